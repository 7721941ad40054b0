package engine

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func columnOf(cells ...[]byte) BytesColumn {
	column := NewColumn(len(cells), 0)
	for _, cell := range cells {
		if cell == nil {
			column.PushNull()
			continue
		}
		column.Data = append(column.Data, cell...)
		column.EndString()
	}
	return column.finish()
}

func texts(values ...string) [][]byte {
	var cells [][]byte
	for _, value := range values {
		cells = append(cells, []byte(value))
	}
	return cells
}

// batch has records with these keys and values: key 0, value 0, key 1, …
func batch(cells ...[]byte) (*Origin, *Columns) {
	column := columnOf(cells...)
	rows := &Columns{Data: column.Data, Offsets: column.Offsets, Nulls: column.Nulls}
	origin := &Origin{Topic: "test"}
	for i := range len(cells) / 2 {
		origin.Offsets = append(origin.Offsets, int64(i))
		rows.Timestamps = append(rows.Timestamps, int64(i))
	}
	return origin, rows
}

func TestRefusedRecordsTakeTheirRowsBack(t *testing.T) {
	transform := func(record *Record, out *Output) error {
		out.Emit(nil, record.Value).Header("h", nil)
		out.Emit([]byte("k"), []byte{}).Timestamp(70).Header("a", []byte("1")).Header("b", []byte("2"))
		if string(record.Value) == "bad" {
			return errors.New("bad")
		}
		return nil
	}
	origin, rows := batch(nil, []byte("1"), nil, []byte("bad"), nil, []byte("2"), nil, []byte("bad"))
	answer, err := Transform(transform, origin, rows)
	if err != nil {
		t.Fatal(err)
	}
	want := Columns{
		Data:       []byte("1k2k"),
		Offsets:    []uint32{0, 0, 1, 2, 2, 2, 3, 4, 4},
		Timestamps: []int64{0, 70, 2, 70},
		Nulls:      []byte{0x11},
		Headers: &HeaderColumns{
			Ends:       []uint32{1, 3, 4, 6},
			Data:       []byte("ha1b2ha1b2"),
			Offsets:    []uint32{0, 1, 1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10},
			NullValues: []byte{0x09},
		},
	}
	if !reflect.DeepEqual(answer.Rows, want) {
		t.Errorf("%+v %+v", answer.Rows, answer.Rows.Headers)
	}
	if !reflect.DeepEqual(answer.Bad, []BadRow{{1, "bad"}, {3, "bad"}}) {
		t.Error(answer.Bad)
	}
}

func TestRecordsAreForwardedWithTheirHeaders(t *testing.T) {
	origin, rows := batch([]byte{}, nil, []byte("a"), []byte("b"))
	rows.Headers = &HeaderColumns{Ends: []uint32{0, 1}, Data: []byte("nv"), Offsets: []uint32{0, 1, 2}}
	answer, err := Transform(func(record *Record, out *Output) error {
		out.Forward(record)
		return nil
	}, origin, rows)
	if err != nil || !reflect.DeepEqual(answer.Rows.Headers, rows.Headers) || answer.Rows.Nulls[0] != 2 {
		t.Errorf("%v %+v", err, answer.Rows)
	}
}

func TestARefusedValueLeavesTheStateAsItWas(t *testing.T) {
	fold := func(state *State[[]string], value *Value) error {
		state.Set(append(state.Value, string(value.Data)))
		if string(value.Data) == "bad" {
			state.Value[0] = "spoilt"
			return Reject("bad")
		}
		return nil
	}
	values := columnOf(texts("a", "bad", "b", "bad", "c")...)
	groups := &Groups{Keys: columnOf([]byte("k")), Accumulators: columnOf(nil), Ends: []uint32{5}, Values: values, Timestamps: make([]int64, 5)}
	answer, err := ReduceWith(JSON[[]string]{}, fold)(groups, false)
	if err != nil || string(answer.Accumulators.At(0)) != `["a","b","c"]` || len(answer.Bad) != 2 {
		t.Errorf("%v %s %v", err, answer.Accumulators.Data, answer.Bad)
	}
	answer, err = ReduceWith(JSON[[]string]{}, fold)(groups, true)
	if err != nil || answer.Accumulators.Len() != 5 || string(answer.Accumulators.At(1)) != `["a"]` {
		t.Errorf("%v %s", err, answer.Accumulators.Data)
	}
}

func TestFinishAndMergeMakeNullsOfWhatIsNotThere(t *testing.T) {
	finish := FinishWith(I64{}, func(_ []byte, number int64) ([]byte, error) {
		if number == 0 {
			return nil, nil
		}
		return []byte("some"), nil
	})
	keys, accumulators := columnOf(texts("a", "b", "c")...), columnOf(I64{}.Append(nil, 1), nil, I64{}.Append(nil, 0))
	answer, err := finish(&keys, &accumulators)
	if err != nil || string(answer.At(0)) != "some" || answer.At(1) != nil || answer.At(2) != nil {
		t.Errorf("%v %+v", err, answer)
	}
	short := columnOf(texts("1", "2", "3")...)
	if _, err = finish(&keys, &short); err == nil || !strings.Contains(err.Error(), `key "a" (1 bytes)`) {
		t.Error(err)
	}
}

func TestNumbersOf128BitsWrapAndHaveTheirDecimals(t *testing.T) {
	most := Int128{High: 1<<63 - 1, Low: 1<<64 - 1}
	if wrapped := most.Add(Int128Of(1)).String(); wrapped != "-170141183460469231731687303715884105728" {
		t.Error(wrapped)
	}
	if sum := Int128Of(-7).Add(Int128Of(5)).String(); sum != "-2" {
		t.Error(sum)
	}
	if back, err := (I128{}).Decode(I128{}.Append(nil, most)); err != nil || back != most {
		t.Error(back, err)
	}
}

func TestSettingsThatThereAreNoneOfAreRefused(t *testing.T) {
	settings := Settings{{"x", "1"}}
	if err := settings.ExpectOnly("y", "z"); err == nil || err.Error() != "unknown setting `x`: there are y, z" {
		t.Error(err)
	}
	if _, err := settings.Flag("x", false); err == nil {
		t.Error("1 is no flag")
	}
}

func TestFailuresOfACallAreTold(t *testing.T) {
	for _, failure := range []error{Retry("later"), Fatal("stop")} {
		origin, rows := batch(nil, []byte("1"))
		_, err := Transform(func(*Record, *Output) error { return failure }, origin, rows)
		if !errors.Is(err, failure) || IsRetry(err) != (failure == Retry("later")) {
			t.Error(err)
		}
	}
}
