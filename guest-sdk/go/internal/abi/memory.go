//go:build wasip1

// Package abi is the canonical ABI of the component model for the contract: how values lie in a module's memory, and
// the exports that every operator has.
package abi

import (
	"unsafe"

	"wasmhost/internal/engine"
)

// list is a list in memory: where it is and how many elements it has.
type list struct{ at, count uint32 }

// held keeps what a call got and answers until the host has read the answer.
var held []any

//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	area := make([]uint64, (size+7)/8+1)
	held = append(held, area)
	if oldSize > 0 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&area[0])), size), unsafe.Slice((*byte)(old), oldSize))
	}
	return unsafe.Pointer(&area[0])
}

// Release forgets what a call held.
func Release() {
	clear(held)
	held = held[:0]
}

func address[T any](value *T) uint32 { return uint32(uintptr(unsafe.Pointer(value))) }

// lift is the slice that a list is; it borrows the memory.
func lift[T any](l list) []T {
	if l.count == 0 {
		return []T{}
	}
	return unsafe.Slice((*T)(pointer(l.at)), l.count)
}

// pointer is what lies at an address that the host gave; it is held, so it does not move and is not freed.
func pointer(at uint32) unsafe.Pointer {
	address := uintptr(at)
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

func liftString(l list) string { return string(lift[byte](l)) }

// lower is the list of a slice, which is held.
func lower[T any](slice []T) list {
	if len(slice) == 0 {
		return list{at: 8}
	}
	held = append(held, slice)
	return list{address(&slice[0]), uint32(len(slice))}
}

func lowerString(text string) list { return lower([]byte(text)) }

// answer is the address of a value that is held.
func answer[T any](value *T) unsafe.Pointer {
	held = append(held, value)
	return unsafe.Pointer(value)
}

// Guarded runs a call; the message of a panic goes to the host's log before it ends the instance.
func Guarded(call func() unsafe.Pointer) unsafe.Pointer {
	defer func() {
		if problem := recover(); problem != nil {
			engine.Log(engine.ErrorLevel, panicText(problem))
			panic(problem)
		}
	}()
	return call()
}
