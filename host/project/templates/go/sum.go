// Sums numbers per key: lines `key,number`.
package main

import (
	"strconv"
	"strings"

	"wasmhost"
	"wasmhost/finish"
	"wasmhost/reduce"
	"wasmhost/transform"
)

func line(record *wasmhost.Record, out *wasmhost.Output) error {
	text, err := record.Text()
	if err != nil {
		return err
	}
	key, number, hasComma := strings.Cut(text, ",")
	if !hasComma {
		return wasmhost.Reject("the line has no comma")
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return err
	}
	out.Emit([]byte(key), wasmhost.EncodeI64(n))
	return nil
}

func add(sum *wasmhost.State[int64], value *wasmhost.Value) error {
	n, err := value.I64()
	if err != nil {
		return err
	}
	if added := sum.Value + n; (added > sum.Value) == (n > 0) || n == 0 {
		sum.Set(added)
		return nil
	}
	return wasmhost.Reject("the sum leaves the range of 64 bits")
}

func init() {
	wasmhost.Describe(wasmhost.Description{Name: "{{name}}", StateSchema: "sum:i64-le", RowSchema: "i64-le"})
	transform.Register(line)
	reduce.Register(wasmhost.I64, add)
	finish.Register(wasmhost.I64, func(_ []byte, sum int64) ([]byte, error) {
		return strconv.AppendInt(nil, sum, 10), nil
	})
}

func main() {}
