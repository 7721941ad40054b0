//go:build wasip1

package transform

import (
	"unsafe"

	"wasmhost/internal/abi"
)

//go:wasmexport host:operator/transformer@0.1.0#transform
func export(call unsafe.Pointer) unsafe.Pointer { return abi.Transform(registered, call) }

//go:wasmexport cabi_post_host:operator/transformer@0.1.0#transform
func post(unsafe.Pointer) { abi.Release() }
