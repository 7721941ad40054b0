// Package transform is for operators that transform: rows in, any number of rows out, no state.
package transform

import "wasmhost/internal/engine"

var registered engine.TransformFunc

// Register makes this the transform. It is called for each record of a batch, in offset order. An error refuses the
// record, and the rows emitted for it are taken back.
func Register(transform func(record *engine.Record, out *engine.Output) error) {
	registered = transform
}
