//go:build wasip1

package reduce

import (
	"unsafe"

	"wasmhost/internal/abi"
)

//go:wasmexport host:operator/reducer@0.1.0#reduce
func export(call unsafe.Pointer) unsafe.Pointer { return abi.Reduce(registered, call) }

//go:wasmexport cabi_post_host:operator/reducer@0.1.0#reduce
func post(unsafe.Pointer) { abi.Release() }
