// How an operator says no: to one record, or to the whole call.
#pragma once

#include "bytes.h"

typedef enum { OP_OK, OP_REJECT, OP_RETRY, OP_FATAL } op_outcome;

// What a function of an operator answers; the text is copied.
typedef struct {
  op_outcome outcome;
  op_bytes text;
} op_error;

static const op_error op_ok = {OP_OK, {NULL, 0}};

// Refuses this record (or value) with a reason; the rest of the batch goes on. By default the host writes the record
// to the dead-letter topic. In finish and merge there is no record to refuse: it stops the application there.
static inline op_error op_reject(const char *reason) {
  return (op_error){OP_REJECT, op_text(reason)};
}

// Asks for the same batch again, on a fresh instance, a bounded number of times.
static inline op_error op_retry(const char *reason) {
  return (op_error){OP_RETRY, op_text(reason)};
}

// Stops the application with this message; nothing of the batch is committed.
static inline op_error op_fatal(const char *reason) {
  return (op_error){OP_FATAL, op_text(reason)};
}

// Leaves the function with the error of `call`, if there is one.
#define OP_TRY(call)                              \
  do {                                            \
    op_error op_try_ = (call);                    \
    if (op_try_.outcome != OP_OK) return op_try_; \
  } while (0)
