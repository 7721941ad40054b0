// Byte strings, growing buffers of them, and the null bits beside them.
#pragma once

#include <stdbool.h>

#include "arena.h"

// Borrowed bytes. `at` is NULL for a null, which is not the same as no bytes.
typedef struct {
  const uint8_t *at;
  size_t size;
} op_bytes;

// A null key or value.
static const op_bytes op_null = {NULL, 0};

// The bytes of a text that ends with a zero.
static inline op_bytes op_text(const char *text) {
  return (op_bytes){(const uint8_t *)text, strlen(text)};
}

// `size` bytes at `at`.
static inline op_bytes op_data(const void *at, size_t size) {
  return (op_bytes){at, size};
}

static inline bool op_is_null(op_bytes bytes) {
  return bytes.at == NULL;
}

static inline bool op_equal(op_bytes a, op_bytes b) {
  if (op_is_null(a) || op_is_null(b)) return op_is_null(a) && op_is_null(b);
  return a.size == b.size && memcmp(a.at, b.at, a.size) == 0;
}

// Cuts `bytes` at the first `mark`, which is in neither part. False when there is none.
static inline bool op_split(op_bytes bytes, char mark, op_bytes *before, op_bytes *after) {
  for (size_t i = 0; i < bytes.size; i++) {
    if (bytes.at[i] == (uint8_t)mark) {
      *before = op_data(bytes.at, i);
      *after = op_data(bytes.at + i + 1, bytes.size - i - 1);
      return true;
    }
  }
  return false;
}

// Copies up to this many bytes are made inline: compiled Wasm calls out of itself for longer ones.
#define OP_SHORT 32u

// Bytes that grow. There is always room for OP_SHORT more than are written.
typedef struct {
  uint8_t *at;
  size_t size;
  size_t room;
} op_buffer;

__attribute__((noinline, cold)) static void op_buffer_grow(op_buffer *buffer, size_t size) {
  size_t room = 2 * buffer->room;
  if (room < size + OP_SHORT) room = size + OP_SHORT;
  buffer->at = op_realloc(buffer->at, buffer->size, room);
  buffer->room = room;
}

static inline op_buffer op_buffer_of(size_t size) {
  return (op_buffer){.at = op_alloc(size + OP_SHORT), .room = size + OP_SHORT};
}

// Copies at most OP_SHORT bytes by moves that may overlap.
static inline void op_copy_short(uint8_t *to, const uint8_t *from, size_t n) {
  if (n >= 16) {
    __builtin_memcpy(to, from, 16);
    __builtin_memcpy(to + n - 16, from + n - 16, 16);
  } else if (n >= 8) {
    __builtin_memcpy(to, from, 8);
    __builtin_memcpy(to + n - 8, from + n - 8, 8);
  } else if (n >= 4) {
    __builtin_memcpy(to, from, 4);
    __builtin_memcpy(to + n - 4, from + n - 4, 4);
  } else if (n > 0) {
    to[0] = from[0];
    to[n / 2] = from[n / 2];
    to[n - 1] = from[n - 1];
  }
}

// Appends bytes; a null appends nothing.
static inline void op_append(op_buffer *buffer, op_bytes bytes) {
  size_t size = buffer->size + bytes.size;
  if (buffer->room < size + OP_SHORT) op_buffer_grow(buffer, size);
  if (bytes.size <= OP_SHORT) {
    op_copy_short(buffer->at + buffer->size, bytes.at, bytes.size);
  } else {
    memcpy(buffer->at + buffer->size, bytes.at, bytes.size);
  }
  buffer->size = size;
}

// Appends the bytes of a text that ends with a zero.
static inline void op_append_text(op_buffer *buffer, const char *text) {
  op_append(buffer, op_text(text));
}

static inline void op_push_u32(op_buffer *buffer, size_t number) {
  uint32_t word = (uint32_t)number;
  op_append(buffer, op_data(&word, sizeof word));
}

static inline bool op_bit(const uint8_t *bits, size_t size, size_t i) {
  return i / 8 < size && (bits[i / 8] >> (i % 8) & 1);
}

__attribute__((noinline, cold)) static void op_set_bit(op_buffer *bits, size_t i) {
  static const uint8_t zero = 0;
  while (bits->size <= i / 8) op_append(bits, op_data(&zero, 1));
  bits->at[i / 8] |= (uint8_t)(1u << (i % 8));
}

// Forgets all bits from `n` on.
static inline void op_cut_bits(op_buffer *bits, size_t n) {
  size_t size = (n + 7) / 8;
  if (bits->size < size) return;
  bits->size = size;
  if (n % 8) bits->at[size - 1] &= (uint8_t)((1u << (n % 8)) - 1);
}

// Gives the bits of `n` cells the length that the contract asks for: none when no bit is set.
static inline void op_pad_bits(op_buffer *bits, size_t n) {
  bool any = false;
  for (size_t i = 0; i < bits->size; i++) any |= bits->at[i] != 0;
  if (!any) {
    bits->size = 0;
    return;
  }
  static const uint8_t zero = 0;
  while (bits->size < (n + 7) / 8) op_append(bits, op_data(&zero, 1));
}
