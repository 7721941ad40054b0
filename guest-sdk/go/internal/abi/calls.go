//go:build wasip1

package abi

import (
	"unsafe"

	"wasmhost/internal/engine"
)

//go:wasmimport host:operator/log@0.1.0 write
func logWrite(level int32, text unsafe.Pointer, size uint32)

func init() {
	engine.Log = func(level engine.Level, text string) {
		logWrite(int32(level), unsafe.Pointer(unsafe.StringData(text)), uint32(len(text)))
	}
}

//go:wasmexport host:operator/module@0.1.0#configure
func configure(at, count uint32) unsafe.Pointer {
	return Guarded(func() unsafe.Pointer {
		var settings engine.Settings
		for _, pair := range lift[[2]list](list{at, count}) {
			settings = append(settings, [2]string{liftString(pair[0]), liftString(pair[1])})
		}
		if err := engine.Configure(settings); err != nil {
			return answer(&configured{isError: 1, text: lowerString(err.Error())})
		}
		return answer(&configured{})
	})
}

//go:wasmexport cabi_post_host:operator/module@0.1.0#configure
func postConfigure(unsafe.Pointer) { Release() }

//go:wasmexport host:operator/module@0.1.0#describe
func describe() unsafe.Pointer {
	said := engine.Described
	d := &description{
		name:        lowerString(said.Name),
		version:     lowerString(said.Version),
		stateSchema: lowerString(said.StateSchema),
		rowSchema:   lowerString(said.RowSchema),
	}
	if said.PreservesKey {
		d.preservesKey = 1
	}
	return answer(d)
}

//go:wasmexport cabi_post_host:operator/module@0.1.0#describe
func postDescribe(unsafe.Pointer) { Release() }

// Transform is transformer.transform; its parameters lie at `at`.
func Transform(transform engine.TransformFunc, at unsafe.Pointer) unsafe.Pointer {
	return Guarded(func() unsafe.Pointer {
		call := (*transformCall)(at)
		readAt := engine.Origin{
			Topic:     liftString(call.readAt.topic),
			Partition: call.readAt.partition,
			Offsets:   lift[int64](call.readAt.offsets),
		}
		found, err := engine.Transform(transform, &readAt, liftColumns(&call.rows))
		if err != nil {
			return answer(failure(err))
		}
		return answer(&transformed{
			rows:   lowerColumns(&found.Rows),
			source: lower(found.Source),
			sinks:  lower([]byte(nil)),
			bad:    lowerBad(found.Bad),
		})
	})
}

// Reduce is reducer.reduce; its parameters lie at `at`.
func Reduce(reduce engine.ReduceFunc, at unsafe.Pointer) unsafe.Pointer {
	return Guarded(func() unsafe.Pointer {
		call := (*reduceCall)(at)
		found, err := reduce(liftGroups(&call.groups), call.every != 0)
		if err != nil {
			return answer(failure(err))
		}
		return answer(&reduced{accumulators: lowerColumn(found.Accumulators), bad: lowerBad(found.Bad)})
	})
}

// Process is processor.process; its parameters lie at `at`.
func Process(process engine.ProcessorFunc, at unsafe.Pointer) unsafe.Pointer {
	return Guarded(func() unsafe.Pointer {
		found, err := process(liftGroups((*groups)(at)))
		if err != nil {
			return answer(failure(err))
		}
		return answer(&processed{
			accumulators: lowerColumn(found.Accumulators),
			rows:         lowerColumns(&found.Rows),
			source:       lower(found.Source),
			bad:          lowerBad(found.Bad),
		})
	})
}

// Column is a bytes-column as flat parameters.
type Column struct{ Data, DataLen, Offsets, OffsetsLen, Nulls, NullsLen uint32 }

func (c Column) lift() engine.BytesColumn {
	return liftColumn(bytesColumn{list{c.Data, c.DataLen}, list{c.Offsets, c.OffsetsLen}, list{c.Nulls, c.NullsLen}})
}

// Columns is finisher.finish or merger.merge.
func Columns(call engine.ColumnsFunc, left, right Column) unsafe.Pointer {
	return Guarded(func() unsafe.Pointer {
		a, b := left.lift(), right.lift()
		found, err := call(&a, &b)
		if err != nil {
			return answer(failure(err))
		}
		return answer(&columnAnswer{column: lowerColumn(found)})
	})
}
