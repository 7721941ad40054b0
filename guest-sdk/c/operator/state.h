// The accumulator of a key: bytes that the host keeps. What they mean, the operator's `state_schema` names.
#pragma once

#include "number.h"

typedef struct {
  bool is_there;
  op_buffer bytes;
  // The key, for what is told when the bytes cannot be read.
  op_bytes key;
} op_state;

// Null when the key has no accumulator yet. Good until the next change.
static inline op_bytes op_state_bytes(const op_state *state) {
  return state->is_there ? op_data(state->bytes.at, state->bytes.size) : op_null;
}

// Replaces the accumulator; null deletes the key. The bytes may not be the state's own.
static inline void op_state_set(op_state *state, op_bytes bytes) {
  state->is_there = !op_is_null(bytes);
  state->bytes.size = 0;
  op_append(&state->bytes, bytes);
}

// What a state goes back to when a value is refused.
typedef struct {
  bool was_there;
  op_buffer bytes;
} op_backup;

static inline void op_back_up(op_backup *backup, const op_state *state) {
  backup->was_there = state->is_there;
  backup->bytes.size = 0;
  op_append(&backup->bytes, op_data(state->bytes.at, state->bytes.size));
}

static inline void op_restore(const op_backup *backup, op_state *state) {
  op_state_set(state, backup->was_there ? op_data(backup->bytes.at, backup->bytes.size) : op_null);
}

__attribute__((noinline, cold)) static op_error op_unreadable(const op_state *state) {
  op_buffer text = op_buffer_of(128);
  op_append_text(&text, "the accumulator of key \"");
  op_append(&text, state->key);
  op_append_text(&text, "\" (");
  op_append_i128(&text, (op_i128)state->bytes.size);
  op_append_text(&text, " bytes) is not one of this operator's");
  return (op_error){OP_FATAL, op_data(text.at, text.size)};
}

// Copies the accumulator into a number (or another plain value) and leaves that as it is when there is none. Bytes of
// another size stop the application: two layouts share one state schema.
static inline op_error op_state_read(const op_state *state, void *to, size_t size) {
  if (!state->is_there) return op_ok;
  if (state->bytes.size != size) return op_unreadable(state);
  memcpy(to, state->bytes.at, size);
  return op_ok;
}
#define OP_STATE_READ(state, variable) op_state_read(state, &(variable), sizeof(variable))

// Adds a number of 64 bits (its bytes, little endian) to an accumulator of the same kind, which begins at 0. A sum that
// leaves the range refuses the value.
static inline op_error op_state_add_i64(op_state *state, op_bytes bytes) {
  int64_t number, sum = 0;
  OP_TRY(OP_READ(bytes, number));
  OP_TRY(OP_STATE_READ(state, sum));
  if (__builtin_add_overflow(sum, number, &sum)) return op_reject("the sum leaves the range of 64 bits");
  op_state_set(state, OP_NUMBER(sum));
  return op_ok;
}
