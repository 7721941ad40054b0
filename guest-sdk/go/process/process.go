// Package process is for operators that keep a state for each key and say themselves what is written: removing
// duplicates, filling gaps, raising an alarm. It takes the place of reduce and finish.
package process

import "wasmhost/internal/engine"

var registered engine.ProcessorFunc

// Register makes this the process. It is called in log order for each value of a key; rows may have any key, and are
// written as they come. An error refuses the value: its rows are taken back, and the state is put back as if the value
// had never been there. What comes of it may only depend on what is given here, and not on where batches were cut: it
// may be called again with the same values.
func Register[A any](kind engine.Kind[A], process func(state *engine.State[A], value *engine.Value, out *engine.Output) error) {
	registered = engine.ProcessWith(kind, process)
}
