//go:build wasip1

package finish

import (
	"unsafe"

	"wasmhost/internal/abi"
)

//go:wasmexport host:operator/finisher@0.1.0#finish
func export(a, aLen, aOffsets, aOffsetsLen, aNulls, aNullsLen, b, bLen, bOffsets, bOffsetsLen, bNulls, bNullsLen uint32) unsafe.Pointer {
	left := abi.Column{Data: a, DataLen: aLen, Offsets: aOffsets, OffsetsLen: aOffsetsLen, Nulls: aNulls, NullsLen: aNullsLen}
	right := abi.Column{Data: b, DataLen: bLen, Offsets: bOffsets, OffsetsLen: bOffsetsLen, Nulls: bNulls, NullsLen: bNullsLen}
	return abi.Columns(registered, left, right)
}

//go:wasmexport cabi_post_host:operator/finisher@0.1.0#finish
func post(unsafe.Pointer) { abi.Release() }
