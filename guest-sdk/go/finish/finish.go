// Package finish is for operators that make output values of accumulators. Without it the output value is the
// accumulator's own bytes.
package finish

import "wasmhost/internal/engine"

var registered engine.ColumnsFunc

// Register makes this the finish: the output value of a key, nil for a record with a null value. It is called once a
// commit for each key that was touched. An error stops the application.
func Register[A any](kind engine.Kind[A], finish func(key []byte, accumulator A) ([]byte, error)) {
	registered = engine.FinishWith(kind, finish)
}
