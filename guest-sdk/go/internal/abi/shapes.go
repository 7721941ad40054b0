//go:build wasip1

package abi

import (
	"fmt"

	"wasmhost/internal/engine"
)

type headerColumns struct{ ends, data, offsets, nullValues list }

type columns struct {
	data, offsets, timestamps, nulls list
	hasHeaders                       uint8
	headers                          headerColumns
}

type origin struct {
	topic     list
	partition uint32
	offsets   list
}

type bytesColumn struct{ data, offsets, nulls list }

type badRow struct {
	row    uint32
	reason list
}

type description struct {
	name, version          list
	preservesKey           uint8
	stateSchema, rowSchema list
}

type configured struct {
	isError uint8
	text    list
}

type transformCall struct {
	readAt origin
	rows   columns
}

type transformed struct {
	isError            uint8
	rows               columns
	source, sinks, bad list
}

type groups struct {
	keys, accumulators bytesColumn
	ends               list
	values             bytesColumn
	timestamps         list
}

type reduceCall struct {
	groups groups
	every  uint8
}

type reduced struct {
	isError      uint8
	accumulators bytesColumn
	bad          list
}

type processed struct {
	isError      uint8
	accumulators bytesColumn
	rows         columns
	source, bad  list
}

type columnAnswer struct {
	isError uint8
	column  bytesColumn
}

// failed is a result that failed: the beginning of each answer, and then the failure.
type failed struct {
	isError uint8
	kind    uint32
	text    list
}

func failure(err error) *failed {
	kind := uint32(1)
	if engine.IsRetry(err) {
		kind = 0
	}
	return &failed{isError: 1, kind: kind, text: lowerString(err.Error())}
}

func panicText(problem any) string { return fmt.Sprintf("panic: %v", problem) }

func liftColumn(c bytesColumn) engine.BytesColumn {
	return engine.BytesColumn{Data: lift[byte](c.data), Offsets: lift[uint32](c.offsets), Nulls: lift[byte](c.nulls)}
}

func lowerColumn(c engine.BytesColumn) bytesColumn {
	return bytesColumn{lower(c.Data), lower(c.Offsets), lower(c.Nulls)}
}

func liftGroups(g *groups) *engine.Groups {
	return &engine.Groups{
		Keys:         liftColumn(g.keys),
		Accumulators: liftColumn(g.accumulators),
		Ends:         lift[uint32](g.ends),
		Values:       liftColumn(g.values),
		Timestamps:   lift[int64](g.timestamps),
	}
}

func liftColumns(c *columns) *engine.Columns {
	rows := &engine.Columns{
		Data:       lift[byte](c.data),
		Offsets:    lift[uint32](c.offsets),
		Timestamps: lift[int64](c.timestamps),
		Nulls:      lift[byte](c.nulls),
	}
	if c.hasHeaders != 0 {
		rows.Headers = &engine.HeaderColumns{
			Ends:       lift[uint32](c.headers.ends),
			Data:       lift[byte](c.headers.data),
			Offsets:    lift[uint32](c.headers.offsets),
			NullValues: lift[byte](c.headers.nullValues),
		}
	}
	return rows
}

func lowerColumns(rows *engine.Columns) columns {
	c := columns{
		data:       lower(rows.Data),
		offsets:    lower(rows.Offsets),
		timestamps: lower(rows.Timestamps),
		nulls:      lower(rows.Nulls),
	}
	if h := rows.Headers; h != nil {
		c.hasHeaders = 1
		c.headers = headerColumns{lower(h.Ends), lower(h.Data), lower(h.Offsets), lower(h.NullValues)}
	}
	return c
}

func lowerBad(bad []engine.BadRow) list {
	rows := make([]badRow, len(bad))
	for i, refused := range bad {
		rows[i] = badRow{refused.Row, lowerString(refused.Reason)}
	}
	return lower(rows)
}
