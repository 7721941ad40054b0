// The memory of one call: everything that a call lowers, makes and answers lies here, and all of it is given back at
// once when the host has read the answer.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Bytes of the first chunk.
#define OP_ARENA_CHUNK_BYTES (64u << 10)
// The strictest alignment that the contract asks for.
#define OP_ARENA_ALIGN 8

typedef struct op_chunk {
  _Alignas(OP_ARENA_ALIGN) struct op_chunk *before;
  size_t size;
  size_t used;
} op_chunk;

static op_chunk *op_arena;

static inline uint8_t *op_chunk_bytes(op_chunk *chunk) {
  return (uint8_t *)(chunk + 1);
}

__attribute__((noinline, cold)) static void op_arena_grow(size_t size) {
  size_t total = op_arena ? 2 * op_arena->size : OP_ARENA_CHUNK_BYTES;
  if (total < size) total = size;
  op_chunk *chunk = malloc(sizeof(op_chunk) + total);
  // Out of memory: the host counts the trap as a fault and goes on with a fresh instance.
  if (!chunk) __builtin_trap();
  *chunk = (op_chunk){.before = op_arena, .size = total};
  op_arena = chunk;
}

// `size` bytes until the end of the call, never null.
static inline void *op_alloc(size_t size) {
  size = (size + OP_ARENA_ALIGN - 1) & ~(size_t)(OP_ARENA_ALIGN - 1);
  if (!op_arena || op_arena->size - op_arena->used < size) op_arena_grow(size);
  uint8_t *at = op_chunk_bytes(op_arena) + op_arena->used;
  op_arena->used += size;
  return at;
}

// The bytes of `old` with room for `size`.
static inline void *op_realloc(void *old, size_t old_size, size_t size) {
  void *at = op_alloc(size);
  memcpy(at, old, old_size < size ? old_size : size);
  return at;
}

// Gives everything back. A call that took several chunks leaves one that is as large as all of them.
static inline void op_arena_reset(void) {
  if (!op_arena) return;
  size_t total = 0;
  int chunks = 0;
  for (op_chunk *chunk = op_arena; chunk; chunk = chunk->before) total += chunk->size, chunks++;
  if (chunks == 1) {
    op_arena->used = 0;
    return;
  }
  while (op_arena) {
    op_chunk *before = op_arena->before;
    free(op_arena);
    op_arena = before;
  }
  op_arena_grow(total);
}
