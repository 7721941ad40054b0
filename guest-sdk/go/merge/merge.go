// Package merge is for folds that may be split: values of a key are folded apart, and what came of it is merged. The
// host then folds records before it shuffles them by key, which saves most of the way through the repartition topic.
package merge

import "wasmhost/internal/engine"

var registered engine.ColumnsFunc

// Register makes this the merge, of `other` into the state, both of one key. Only for folds in which the order of values
// does not count, and which refuse no value because of those before it: it must come to the same as folding all values
// into one. An error stops the application.
func Register[A any](kind engine.Kind[A], merge func(state *engine.State[A], other A) error) {
	registered = engine.MergeWith(kind, merge)
}
