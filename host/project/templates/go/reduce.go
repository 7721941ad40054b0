// Counts the records of each key.
package main

import (
	"strconv"

	"wasmhost"
	"wasmhost/finish"
	"wasmhost/reduce"
)

func init() {
	wasmhost.Describe(wasmhost.Description{Name: "{{name}}", StateSchema: "count:i64-le"})
	reduce.Register(wasmhost.I64, func(count *wasmhost.State[int64], _ *wasmhost.Value) error {
		count.Set(count.Value + 1)
		return nil
	})
	finish.Register(wasmhost.I64, func(_ []byte, count int64) ([]byte, error) {
		return strconv.AppendInt(nil, count, 10), nil
	})
}

func main() {}
