// Sums numbers per key: reads lines `key,value` and keeps, for each key, the sum of its values. See ../README.md.
package main

import (
	"bytes"
	"math"

	"wasmhost"
	"wasmhost/finish"
	"wasmhost/merge"
	"wasmhost/reduce"
	"wasmhost/transform"
)

var preservesKey bool

func configure(settings wasmhost.Settings) (wasmhost.Description, error) {
	description := wasmhost.Description{Name: "sum", StateSchema: "sum:i128-le", RowSchema: "i64-le"}
	err := settings.ExpectOnly("preserves_key")
	if err == nil {
		preservesKey, err = settings.Flag("preserves_key", false)
	}
	description.PreservesKey = preservesKey
	return description, err
}

// number reads decimal digits after at most one sign, nothing else; what is wrong first is told.
func number(text []byte) (int64, error) {
	isNegative := len(text) > 0 && text[0] == '-'
	if isNegative || len(text) > 0 && text[0] == '+' {
		text = text[1:]
	}
	if len(text) == 0 {
		return 0, wasmhost.Reject("there is no number after the comma")
	}
	// One more than the largest number has a negative.
	const most = uint64(math.MaxInt64) + 1
	var sum uint64
	for _, byte := range text {
		digit := uint64(byte - '0')
		if digit > 9 {
			return 0, wasmhost.Reject("what follows the comma is not a decimal number")
		}
		if sum > most/10 || 10*sum+digit > most {
			return 0, wasmhost.Reject("the number does not fit 64 bits")
		}
		sum = 10*sum + digit
	}
	if isNegative {
		return -int64(sum), nil
	}
	if sum == most {
		return 0, wasmhost.Reject("the number does not fit 64 bits")
	}
	return int64(sum), nil
}

func line(record *wasmhost.Record, out *wasmhost.Output) error {
	value, err := record.Data()
	if err != nil {
		return err
	}
	key, text, hasComma := bytes.Cut(value, []byte(","))
	if !hasComma {
		return wasmhost.Reject("the line has no comma")
	}
	n, err := number(text)
	if err != nil {
		return err
	}
	if preservesKey && (record.Key == nil || !bytes.Equal(record.Key, key)) {
		return wasmhost.Reject("the key in the line is not the record's key, and `preserves_key` is set")
	}
	var row [8]byte
	out.Emit(key, wasmhost.I64.Append(row[:0], n))
	return nil
}

func add(sum *wasmhost.State[wasmhost.Int128], value *wasmhost.Value) error {
	n, err := value.I64()
	if err == nil {
		sum.Set(sum.Value.Add(wasmhost.Int128{High: n >> 63, Low: uint64(n)}))
	}
	return err
}

func addSums(sum *wasmhost.State[wasmhost.Int128], other wasmhost.Int128) error {
	sum.Set(sum.Value.Add(other))
	return nil
}

func decimal(key []byte, sum wasmhost.Int128) ([]byte, error) { return []byte(sum.String()), nil }

func init() {
	wasmhost.Configure(configure)
	transform.Register(line)
	reduce.Register(wasmhost.I128, add)
	merge.Register(wasmhost.I128, addSums)
	finish.Register(wasmhost.I128, decimal)
}

func main() {}
