//go:build wasip1

package merge

import (
	"unsafe"

	"wasmhost/internal/abi"
)

//go:wasmexport host:operator/merger@0.1.0#merge
func export(a, aLen, aOffsets, aOffsetsLen, aNulls, aNullsLen, b, bLen, bOffsets, bOffsetsLen, bNulls, bNullsLen uint32) unsafe.Pointer {
	left := abi.Column{Data: a, DataLen: aLen, Offsets: aOffsets, OffsetsLen: aOffsetsLen, Nulls: aNulls, NullsLen: aNullsLen}
	right := abi.Column{Data: b, DataLen: bLen, Offsets: bOffsets, OffsetsLen: bOffsetsLen, Nulls: bNulls, NullsLen: bNullsLen}
	return abi.Columns(registered, left, right)
}

//go:wasmexport cabi_post_host:operator/merger@0.1.0#merge
func post(unsafe.Pointer) { abi.Release() }
