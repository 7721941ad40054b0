package engine

import (
	"errors"
	"reflect"
	"testing"
)

// numbered numbers the values of a key and writes each with its number; it refuses some after it has written and counted.
func numbered(count *State[int64], value *Value, out *Output) error {
	count.Set(count.Value + 1)
	row := out.Emit(value.Key, []byte{byte('0' + count.Value)})
	switch string(value.Data) {
	case "late":
		row.Timestamp(value.Timestamp+1000).Header("late", nil)
	case "twice":
		out.Emit([]byte("all"), value.Data)
	case "delete":
		count.Delete()
	case "stop":
		return Fatal("stop")
	case "bad":
		return errors.New("bad")
	}
	return nil
}

func groupOf(accumulator []byte, values ...string) *Groups {
	return &Groups{
		Keys:         columnOf([]byte("k")),
		Accumulators: columnOf(accumulator),
		Ends:         []uint32{uint32(len(values))},
		Values:       columnOf(texts(values...)...),
		Timestamps:   make([]int64, len(values)),
	}
}

func TestAProcessMakesRowsAndStateAndTakesBackWhatItRefuses(t *testing.T) {
	process := ProcessWith(I64{}, numbered)
	answer, err := process(groupOf(I64{}.Append(nil, 2), "bad", "twice", "bad", "late"))
	if err != nil {
		t.Fatal(err)
	}
	want := Columns{
		Data:       []byte("k3alltwicek4"),
		Offsets:    []uint32{0, 1, 2, 5, 10, 11, 12},
		Timestamps: []int64{0, 0, 1000},
		Headers: &HeaderColumns{
			Ends: []uint32{0, 0, 1}, Data: []byte("late"), Offsets: []uint32{0, 4, 4}, NullValues: []byte{1},
		},
	}
	if !reflect.DeepEqual(answer.Rows, want) || !reflect.DeepEqual(answer.Source, []uint32{1, 1, 3}) {
		t.Errorf("%+v %+v %v", answer.Rows, answer.Rows.Headers, answer.Source)
	}
	if !reflect.DeepEqual(answer.Bad, []BadRow{{0, "bad"}, {2, "bad"}}) {
		t.Error(answer.Bad)
	}
	if count, err := (I64{}).Decode(answer.Accumulators.At(0)); err != nil || count != 4 {
		t.Error(count, err)
	}
}

func TestAProcessDeletesKeysAndEndsCalls(t *testing.T) {
	process := ProcessWith(I64{}, numbered)
	if answer, err := process(groupOf(nil, "x", "delete")); err != nil || answer.Accumulators.At(0) != nil {
		t.Error(answer, err)
	}
	if _, err := process(groupOf(nil, "stop")); !errors.Is(err, Fatal("stop")) {
		t.Error(err)
	}
}
