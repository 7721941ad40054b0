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

// group is one key while its values are folded; it can take one back.
type group[A any] struct {
	kind   Kind[A]
	groups *Groups
	value  Value
	state  State[A]
	// The accumulator before value `start`, of which all values since were accepted.
	before []byte
	start  int
}

func newGroup[A any](kind Kind[A], groups *Groups, i, start int) (group[A], error) {
	g := group[A]{kind: kind, groups: groups, before: groups.Accumulators.At(i), start: start}
	g.value.Key = groups.Keys.At(i)
	var err error
	g.state, err = stored(kind, g.value.Key, g.before)
	return g, err
}

func (g *group[A]) call(fold FoldFunc[A], at int) error {
	g.value.Data, g.value.Timestamp = g.groups.Values.At(at), g.groups.Timestamps[at]
	return fold(&g.state, &g.value)
}

// add folds value `at`. When it is refused, the state is as it was: the values before it are folded by `again`. The
// second error ends the call.
func (g *group[A]) add(at int, fold, again FoldFunc[A]) (refused, err error) {
	refused = g.call(fold, at)
	if refused == nil || endsCall(refused) {
		return nil, refused
	}
	return refused, g.restore(at, again)
}

// restore folds again what was accepted, since what was refused may have changed the accumulator in place.
func (g *group[A]) restore(at int, again FoldFunc[A]) error {
	var err error
	if g.state, err = stored(g.kind, g.value.Key, g.before); err != nil {
		return err
	}
	for accepted := g.start; accepted < at; accepted++ {
		if refused := g.call(again, accepted); refused != nil {
			return Fatal("a value was first accepted and then refused: " + refused.Error())
		}
	}
	g.before, g.start = nil, at+1
	if g.state.Exists {
		g.before = g.kind.Append([]byte{}, g.state.Value)
	}
	return nil
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
