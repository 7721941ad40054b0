package engine

// Output takes the rows of a transform or a process, in the order in which they are emitted.
type Output struct {
	data    []byte
	offsets []uint32
	nulls   []byte
	source  []uint32
	// Those that were set, by row; the others are their source's.
	timestamps map[int]int64
	headers    headerWriter
	// The input row, or the value, that rows are made from now.
	row uint32
}

// Row is the row that was just emitted; what it is given is added to it.
type Row struct{ out *Output }

func newOutput(rows, bytes int) *Output {
	return &Output{
		data:    make([]byte, 0, bytes),
		offsets: append(make([]uint32, 0, 2*rows+1), 0),
		source:  make([]uint32, 0, rows),
		headers: headerWriter{offsets: []uint32{0}},
	}
}

// Emit writes a row; a nil key or value is null. The row has the timestamp of the record that it is made from, and no
// headers, unless they are set on the answer.
func (o *Output) Emit(key, value []byte) Row {
	o.push(key)
	o.push(value)
	o.source = append(o.source, o.row)
	return Row{o}
}

// Forward writes the record as it is, with its headers.
func (o *Output) Forward(record *Record) Row {
	row := o.Emit(record.Key, record.Value)
	for _, header := range record.Headers() {
		row.Header(header.Name, header.Value)
	}
	return row
}

// Timestamp gives the row one of its own, in milliseconds since the Unix epoch.
func (r Row) Timestamp(timestamp int64) Row {
	if r.out.timestamps == nil {
		r.out.timestamps = map[int]int64{}
	}
	r.out.timestamps[len(r.out.source)-1] = timestamp
	return r
}

// Header adds a header; a nil value is null.
func (r Row) Header(name string, value []byte) Row {
	r.out.headers.push(len(r.out.source)-1, name, value)
	return r
}

func (o *Output) push(cell []byte) {
	if cell == nil {
		setBit(&o.nulls, len(o.offsets)-1)
	}
	o.data = append(o.data, cell...)
	o.offsets = append(o.offsets, uint32(len(o.data)))
}

// withdraw takes back the rows made from the current input row or value.
func (o *Output) withdraw() {
	rows := len(o.source)
	for rows > 0 && o.source[rows-1] == o.row {
		rows--
		delete(o.timestamps, rows)
	}
	o.source = o.source[:rows]
	o.offsets = o.offsets[:2*rows+1]
	o.data = o.data[:o.offsets[2*rows]]
	cutBits(&o.nulls, 2*rows)
	o.headers.truncate(rows)
}

func (o *Output) finish(sourceTimestamps []int64) Columns {
	rows := len(o.source)
	columns := Columns{Data: o.data, Offsets: o.offsets, Nulls: padBits(o.nulls, 2*rows), Headers: o.headers.finish(rows)}
	if len(o.timestamps) > 0 {
		for i, source := range o.source {
			timestamp, isSet := o.timestamps[i]
			if !isSet {
				timestamp = sourceTimestamps[source]
			}
			columns.Timestamps = append(columns.Timestamps, timestamp)
		}
	}
	return columns
}

// headerWriter writes header columns; rows at the end without a header have no entry in ends before finish.
type headerWriter struct {
	ends    []uint32
	data    []byte
	offsets []uint32
	nulls   []byte
}

func (h *headerWriter) count() int { return (len(h.offsets) - 1) / 2 }

func (h *headerWriter) pad(rows int) {
	for len(h.ends) < rows {
		h.ends = append(h.ends, uint32(h.count()))
	}
}

func (h *headerWriter) push(row int, name string, value []byte) {
	h.pad(row + 1)
	if value == nil {
		setBit(&h.nulls, h.count())
	}
	h.data = append(h.data, name...)
	h.offsets = append(h.offsets, uint32(len(h.data)))
	h.data = append(h.data, value...)
	h.offsets = append(h.offsets, uint32(len(h.data)))
	h.ends[row] = uint32(h.count())
}

func (h *headerWriter) truncate(rows int) {
	h.ends = h.ends[:min(rows, len(h.ends))]
	headers := 0
	if len(h.ends) > 0 {
		headers = int(h.ends[len(h.ends)-1])
	}
	h.offsets = h.offsets[:2*headers+1]
	h.data = h.data[:h.offsets[2*headers]]
	cutBits(&h.nulls, headers)
}

func (h *headerWriter) finish(rows int) *HeaderColumns {
	if h.count() == 0 {
		return nil
	}
	h.pad(rows)
	return &HeaderColumns{Ends: h.ends, Data: h.data, Offsets: h.offsets, NullValues: padBits(h.nulls, h.count())}
}
