package engine

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"math/bits"
	"unicode/utf8"
)

// Kind says how values become bytes. Decode of what Append wrote must be the value, and equal values must have equal
// bytes. Whoever changes the bytes changes the StateSchema too.
type Kind[A any] interface {
	// Append appends the bytes of a value.
	Append(to []byte, value A) []byte
	// Decode reads the bytes, which are borrowed; an error when they are of another kind.
	Decode(data []byte) (A, error)
}

// Bytes are bytes as they are.
type Bytes struct{}

// Append appends them.
func (Bytes) Append(to []byte, value []byte) []byte { return append(to, value...) }

// Decode copies them.
func (Bytes) Decode(data []byte) ([]byte, error) { return append([]byte{}, data...), nil }

// Text is UTF-8.
type Text struct{}

// Append appends it.
func (Text) Append(to []byte, value string) []byte { return append(to, value...) }

// Decode copies it.
func (Text) Decode(data []byte) (string, error) {
	if !utf8.Valid(data) {
		return "", Reject("the value is not UTF-8")
	}
	return string(data), nil
}

// JSON is a type as encoding/json writes it.
type JSON[A any] struct{}

// Append writes it; a type that is none of JSON's is a mistake in the operator.
func (JSON[A]) Append(to []byte, value A) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return append(to, text...)
}

// Decode reads it.
func (JSON[A]) Decode(data []byte) (A, error) {
	var value A
	err := json.Unmarshal(data, &value)
	return value, err
}

func sized(data []byte, size int) error {
	if len(data) != size {
		return Reject(fmt.Sprintf("the value has %d bytes where %d are expected", len(data), size))
	}
	return nil
}

// I64 are 8 bytes, little endian.
type I64 struct{}

// Append appends them.
func (I64) Append(to []byte, value int64) []byte {
	return binary.LittleEndian.AppendUint64(to, uint64(value))
}

// Decode reads them.
func (I64) Decode(data []byte) (int64, error) {
	if len(data) != 8 {
		return 0, sized(data, 8)
	}
	return int64(binary.LittleEndian.Uint64(data)), nil
}

// Int128 is a whole number of 128 bits in two's complement.
type Int128 struct {
	High int64
	Low  uint64
}

// Int128Of is a number of 64 bits.
func Int128Of(number int64) Int128 { return Int128{High: number >> 63, Low: uint64(number)} }

// Add wraps.
func (a Int128) Add(b Int128) Int128 {
	low, carry := bits.Add64(a.Low, b.Low, 0)
	high, _ := bits.Add64(uint64(a.High), uint64(b.High), carry)
	return Int128{High: int64(high), Low: low}
}

// String is the number in decimal.
func (a Int128) String() string {
	number := new(big.Int).Lsh(big.NewInt(a.High), 64)
	return number.Add(number, new(big.Int).SetUint64(a.Low)).String()
}

// I128 are 16 bytes, little endian.
type I128 struct{}

// Append appends them.
func (I128) Append(to []byte, value Int128) []byte {
	to = binary.LittleEndian.AppendUint64(to, value.Low)
	return binary.LittleEndian.AppendUint64(to, uint64(value.High))
}

// Decode reads them.
func (I128) Decode(data []byte) (Int128, error) {
	if len(data) != 16 {
		return Int128{}, sized(data, 16)
	}
	low, high := binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:])
	return Int128{High: int64(high), Low: low}, nil
}
