// Package reduce is for operators that keep a state for each key: values in, one accumulator a key.
package reduce

import "wasmhost/internal/engine"

var registered engine.ReduceFunc

// Register makes this the fold. It is called in log order. An error refuses the value, and the state is put back as if
// the value had never been there. What comes of it may only depend on what is given here, and not on where batches were
// cut: it may be called again with the same values.
func Register[A any](kind engine.Kind[A], fold func(state *engine.State[A], value *engine.Value) error) {
	registered = engine.ReduceWith(kind, fold)
}
