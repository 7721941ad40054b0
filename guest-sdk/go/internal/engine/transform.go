package engine

// TransformFunc gets the records of a batch in offset order.
type TransformFunc func(record *Record, out *Output) error

// Transform runs it over a batch. An error ends the whole call.
func Transform(transform TransformFunc, readAt *Origin, rows *Columns) (Transformed, error) {
	out := newOutput(len(readAt.Offsets), len(rows.Data))
	var bad []BadRow
	record := Record{Topic: readAt.Topic, Partition: readAt.Partition, headers: rows.Headers}
	for i, offset := range readAt.Offsets {
		record.Key, record.Value = cell(rows.Data, rows.Offsets, 2*i), cell(rows.Data, rows.Offsets, 2*i+1)
		if bit(rows.Nulls, 2*i) {
			record.Key = nil
		}
		if bit(rows.Nulls, 2*i+1) {
			record.Value = nil
		}
		record.Timestamp, record.Offset = rows.Timestamps[i], offset
		if rows.Headers != nil {
			record.from, record.to = record.to, int(rows.Headers.Ends[i])
		}
		out.row = uint32(i)
		if err := transform(&record, out); err != nil {
			if endsCall(err) {
				return Transformed{}, err
			}
			out.withdraw()
			bad = append(bad, BadRow{uint32(i), err.Error()})
		}
	}
	return Transformed{Rows: out.finish(rows.Timestamps), Source: out.source, Bad: bad}, nil
}
