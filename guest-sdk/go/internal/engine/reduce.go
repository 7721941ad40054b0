package engine

import (
	"fmt"
	"strconv"
)

// State is the accumulator of a key between values.
type State[A any] struct {
	// The accumulator; its type's zero when there is none.
	Value A
	// False: the key has no accumulator yet, or was deleted.
	Exists bool
}

// Set makes this the accumulator.
func (s *State[A]) Set(value A) { s.Value, s.Exists = value, true }

// Delete deletes the key.
func (s *State[A]) Delete() { *s = State[A]{} }

// FoldFunc folds one value into the state of its key.
type FoldFunc[A any] func(state *State[A], value *Value) error

// ReduceFunc is a fold whose type of accumulators is hidden.
type ReduceFunc func(groups *Groups, every bool) (Reduced, error)

// ReduceWith folds by this function.
func ReduceWith[A any](kind Kind[A], fold FoldFunc[A]) ReduceFunc {
	return func(groups *Groups, every bool) (Reduced, error) {
		answers := len(groups.Ends)
		if every {
			answers = len(groups.Timestamps)
		}
		r := reducing[A]{kind: kind, fold: fold, groups: groups, every: every}
		r.out = NewColumn(answers, len(groups.Accumulators.Data)+16*len(groups.Ends))
		start := 0
		for i, end := range groups.Ends {
			if err := r.group(i, start, int(end)); err != nil {
				return Reduced{}, err
			}
			start = int(end)
		}
		return Reduced{Accumulators: r.out.finish(), Bad: r.bad}, nil
	}
}

type reducing[A any] struct {
	kind   Kind[A]
	fold   FoldFunc[A]
	groups *Groups
	every  bool
	out    BytesColumn
	bad    []BadRow
}

func (r *reducing[A]) group(i, start, end int) error {
	key, before := r.groups.Keys.At(i), r.groups.Accumulators.At(i)
	state, err := stored(r.kind, key, before)
	if err != nil {
		return err
	}
	for at := start; at < end; at++ {
		value := Value{Key: key, Data: r.groups.Values.At(at), Timestamp: r.groups.Timestamps[at]}
		if err := r.fold(&state, &value); err != nil {
			if endsCall(err) {
				return err
			}
			r.bad = append(r.bad, BadRow{uint32(at), err.Error()})
			// It may have changed the accumulator in place: the values since `before` are folded again.
			if state, err = r.again(key, before, start, at); err != nil {
				return err
			}
			before, start = r.encode(&state), at+1
		}
		if r.every {
			push(&r.out, r.kind, &state)
		}
	}
	if !r.every {
		push(&r.out, r.kind, &state)
	}
	return nil
}

func (r *reducing[A]) again(key, before []byte, start, end int) (State[A], error) {
	state, err := stored(r.kind, key, before)
	for at := start; at < end && err == nil; at++ {
		value := Value{Key: key, Data: r.groups.Values.At(at), Timestamp: r.groups.Timestamps[at]}
		if refused := r.fold(&state, &value); refused != nil {
			err = Fatal("a value was first accepted and then refused: " + refused.Error())
		}
	}
	return state, err
}

func (r *reducing[A]) encode(state *State[A]) []byte {
	if !state.Exists {
		return nil
	}
	return r.kind.Append([]byte{}, state.Value)
}

func push[A any](out *BytesColumn, kind Kind[A], state *State[A]) {
	if !state.Exists {
		out.PushNull()
		return
	}
	out.Data = kind.Append(out.Data, state.Value)
	out.EndString()
}

func stored[A any](kind Kind[A], key, data []byte) (State[A], error) {
	if data == nil {
		return State[A]{}, nil
	}
	value, err := kind.Decode(data)
	if err != nil {
		name := strconv.QuoteToASCII(string(key))
		text := fmt.Sprintf("the accumulator of key %s (%d bytes) is not one of this operator's", name, len(data))
		return State[A]{}, Fatal(text)
	}
	return State[A]{Value: value, Exists: true}, nil
}

// ColumnsFunc is a finish or a merge whose type of accumulators is hidden.
type ColumnsFunc func(left, right *BytesColumn) (BytesColumn, error)

// FinishWith makes output values by this function; nil is a tombstone.
func FinishWith[A any](kind Kind[A], finish func(key []byte, accumulator A) ([]byte, error)) ColumnsFunc {
	return func(keys, accumulators *BytesColumn) (BytesColumn, error) {
		out := NewColumn(accumulators.Len(), len(accumulators.Data))
		for i := range accumulators.Len() {
			state, err := stored(kind, keys.At(i), accumulators.At(i))
			if err != nil {
				return BytesColumn{}, err
			}
			var value []byte
			if state.Exists {
				if value, err = finish(keys.At(i), state.Value); err != nil {
					return BytesColumn{}, err
				}
			}
			if value == nil {
				out.PushNull()
				continue
			}
			out.Data = append(out.Data, value...)
			out.EndString()
		}
		return out.finish(), nil
	}
}

// MergeWith merges accumulators by this function, the second into the state.
func MergeWith[A any](kind Kind[A], merge func(state *State[A], other A) error) ColumnsFunc {
	return func(left, right *BytesColumn) (BytesColumn, error) {
		out := NewColumn(left.Len(), len(left.Data))
		for i := range left.Len() {
			state, err := stored(kind, nil, left.At(i))
			if err != nil {
				return BytesColumn{}, err
			}
			other, err := stored(kind, nil, right.At(i))
			if err != nil {
				return BytesColumn{}, err
			}
			if err := merge(&state, other.Value); err != nil {
				return BytesColumn{}, err
			}
			push(&out, kind, &state)
		}
		return out.finish(), nil
	}
}
