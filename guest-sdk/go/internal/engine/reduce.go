package engine

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
		out := NewColumn(answers, len(groups.Accumulators.Data)+16*len(groups.Ends))
		var bad []BadRow
		start := 0
		for i, end := range groups.Ends {
			g, err := newGroup(kind, groups, i, start)
			if err != nil {
				return Reduced{}, err
			}
			for at := start; at < int(end); at++ {
				refused, err := g.add(at, fold, fold)
				if err != nil {
					return Reduced{}, err
				}
				if refused != nil {
					bad = append(bad, BadRow{uint32(at), refused.Error()})
				}
				if every {
					push(&out, kind, &g.state)
				}
			}
			if !every {
				push(&out, kind, &g.state)
			}
			start = int(end)
		}
		return Reduced{Accumulators: out.finish(), Bad: bad}, nil
	}
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
