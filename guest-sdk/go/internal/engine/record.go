package engine

import (
	"encoding/json"
	"unicode/utf8"
)

// Record is one record of the input.
type Record struct {
	// Nil: the key is null. An empty key is not.
	Key []byte
	// Nil: the value is null.
	Value []byte
	// Milliseconds since the Unix epoch.
	Timestamp int64
	// Where it was read.
	Topic     string
	Partition uint32
	Offset    int64

	headers  *HeaderColumns
	from, to int
}

// Header is a name and a value.
type Header struct {
	Name string
	// Nil: it is null.
	Value []byte
}

// Data is the value's bytes, or a rejection when it is null.
func (r *Record) Data() ([]byte, error) {
	if r.Value == nil {
		return nil, Reject("the value is null")
	}
	return r.Value, nil
}

// Text is the value as text, or a rejection when it is null or not UTF-8.
func (r *Record) Text() (string, error) {
	data, err := r.Data()
	if err != nil {
		return "", err
	}
	return text(data)
}

// JSON reads the value into what `to` points to.
func (r *Record) JSON(to any) error {
	data, err := r.Data()
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}

// Headers are those of the record, in its order; a name may occur twice.
func (r *Record) Headers() []Header {
	var found []Header
	for i := r.from; i < r.to; i++ {
		header := Header{Name: string(cell(r.headers.Data, r.headers.Offsets, 2*i))}
		if !bit(r.headers.NullValues, i) {
			header.Value = cell(r.headers.Data, r.headers.Offsets, 2*i+1)
		}
		found = append(found, header)
	}
	return found
}

// Value is one value to be folded into the state of its key.
type Value struct {
	Key  []byte
	Data []byte
	// Milliseconds since the Unix epoch.
	Timestamp int64
}

// Text is the bytes as text, or a rejection when they are not UTF-8.
func (v *Value) Text() (string, error) { return text(v.Data) }

// I64 is the bytes as a number of 64 bits, or a rejection when they are not 8.
func (v *Value) I64() (int64, error) { return I64{}.Decode(v.Data) }

// JSON reads the bytes into what `to` points to.
func (v *Value) JSON(to any) error { return json.Unmarshal(v.Data, to) }

func text(data []byte) (string, error) {
	if !utf8.Valid(data) {
		return "", Reject("the value is not UTF-8")
	}
	return string(data), nil
}
