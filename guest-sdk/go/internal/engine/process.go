package engine

// ProcessFunc takes one value of a key: it changes the state and emits rows.
type ProcessFunc[A any] func(state *State[A], value *Value, out *Output) error

// ProcessorFunc is a process whose type of accumulators is hidden.
type ProcessorFunc func(groups *Groups) (Processed, error)

// ProcessWith processes by this function.
func ProcessWith[A any](kind Kind[A], process ProcessFunc[A]) ProcessorFunc {
	return func(groups *Groups) (Processed, error) {
		out := newOutput(len(groups.Timestamps), len(groups.Values.Data))
		into := func(out *Output) FoldFunc[A] {
			return func(state *State[A], value *Value) error { return process(state, value, out) }
		}
		// What is processed again has its rows already.
		fold, again := into(out), into(newOutput(0, 0))
		accumulators := NewColumn(len(groups.Ends), len(groups.Accumulators.Data)+16*len(groups.Ends))
		var bad []BadRow
		start := 0
		for i, end := range groups.Ends {
			g, err := newGroup(kind, groups, i, start)
			if err != nil {
				return Processed{}, err
			}
			for at := start; at < int(end); at++ {
				out.row = uint32(at)
				refused, err := g.add(at, fold, again)
				if err != nil {
					return Processed{}, err
				}
				if refused != nil {
					out.withdraw()
					bad = append(bad, BadRow{uint32(at), refused.Error()})
				}
			}
			push(&accumulators, kind, &g.state)
			start = int(end)
		}
		rows := out.finish(groups.Timestamps)
		return Processed{Accumulators: accumulators.finish(), Rows: rows, Source: out.source, Bad: bad}, nil
	}
}
