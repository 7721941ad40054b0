// Lines in the host's log. The host cuts a line at 1,024 bytes and drops more than 64 a second.
#pragma once

#include "bytes.h"

typedef enum { OP_DEBUG, OP_INFO, OP_WARN, OP_ERROR } op_level;

#ifdef __wasm32__
__attribute__((import_module("host:operator/log@0.1.0"), import_name("write"))) void op_log_write(
    int32_t level, const uint8_t *text, size_t size);

static inline void op_log_bytes(op_level level, op_bytes text) {
  op_log_write((int32_t)level, text.at, text.size);
}
#else
#include <stdio.h>

// In tests lines go to the standard error stream.
static inline void op_log_bytes(op_level level, op_bytes text) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  fprintf(stderr, "%s: %.*s\n", names[level], (int)text.size, (const char *)text.at);
}
#endif

// Writes a line; the text ends with a zero.
static inline void op_log(op_level level, const char *text) {
  op_log_bytes(level, op_text(text));
}
