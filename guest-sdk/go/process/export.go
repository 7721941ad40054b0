//go:build wasip1

package process

import (
	"unsafe"

	"wasmhost/internal/abi"
)

//go:wasmexport host:operator/processor@0.1.0#process
func export(call unsafe.Pointer) unsafe.Pointer { return abi.Process(registered, call) }

//go:wasmexport cabi_post_host:operator/processor@0.1.0#process
func post(unsafe.Pointer) { abi.Release() }
