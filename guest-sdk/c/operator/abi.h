// The shapes of the contract as the component model lays them out in a module's memory: a list is a pointer and a
// count, on 32-bit Wasm the same as these structs. `/wit` says what they mean.
#pragma once

#include "bytes.h"

#define OP_LIST(name, type) \
  typedef struct {          \
    type *at;               \
    size_t count;           \
  } name

OP_LIST(op_list_u8, uint8_t);
OP_LIST(op_list_u32, uint32_t);
OP_LIST(op_list_s64, int64_t);

typedef struct {
  op_list_u8 name;
  op_list_u8 value;
} op_pair;
OP_LIST(op_list_pair, op_pair);

typedef struct {
  op_list_u32 ends;
  op_list_u8 data;
  op_list_u32 offsets;
  op_list_u8 null_values;
} op_header_columns;

typedef struct {
  op_list_u8 data;
  op_list_u32 offsets;
  op_list_s64 timestamps;
  op_list_u8 nulls;
  bool has_headers;
  op_header_columns headers;
} op_columns;

typedef struct {
  op_list_u8 topic;
  uint32_t partition;
  op_list_s64 offsets;
} op_origin;

typedef struct {
  op_list_u8 data;
  op_list_u32 offsets;
  op_list_u8 nulls;
} op_bytes_column;

typedef struct {
  uint32_t row;
  op_list_u8 reason;
} op_bad_row;
OP_LIST(op_list_bad_row, op_bad_row);

typedef struct {
  // 0: retry, 1: fatal.
  uint8_t kind;
  op_list_u8 text;
} op_failure;

typedef struct {
  op_list_u8 name;
  op_list_u8 version;
  bool preserves_key;
  op_list_u8 state_schema;
  op_list_u8 row_schema;
} op_wit_description;

typedef struct {
  bool is_error;
  op_list_u8 text;
} op_configured;

typedef struct {
  op_origin read_at;
  op_columns rows;
} op_transform_call;

typedef struct {
  bool is_error;
  union {
    struct {
      op_columns rows;
      op_list_u32 source;
      op_list_u8 sinks;
      op_list_bad_row bad;
    };
    op_failure failure;
  };
} op_transform_answer;

typedef struct {
  op_bytes_column keys;
  op_bytes_column accumulators;
  op_list_u32 ends;
  op_bytes_column values;
  op_list_s64 timestamps;
} op_groups;

typedef struct {
  op_groups groups;
  bool every;
} op_reduce_call;

typedef struct {
  bool is_error;
  union {
    struct {
      op_bytes_column accumulators;
      op_list_bad_row bad;
    };
    op_failure failure;
  };
} op_reduce_answer;

typedef struct {
  bool is_error;
  union {
    struct {
      op_bytes_column accumulators;
      op_columns rows;
      op_list_u32 source;
      op_list_bad_row bad;
    };
    op_failure failure;
  };
} op_process_answer;

typedef struct {
  bool is_error;
  union {
    op_bytes_column column;
    op_failure failure;
  };
} op_column_answer;

#ifdef __wasm32__
_Static_assert(sizeof(op_wit_description) == 36, "description");
_Static_assert(sizeof(op_transform_call) == 88, "transform's parameters");
_Static_assert(sizeof(op_transform_answer) == 96, "transform's result");
_Static_assert(sizeof(op_reduce_call) == 92, "reduce's parameters");
_Static_assert(sizeof(op_reduce_answer) == 36, "reduce's result");
_Static_assert(sizeof(op_groups) == 88, "process's parameters");
_Static_assert(sizeof(op_process_answer) == 112, "process's result");
_Static_assert(sizeof(op_column_answer) == 28, "the result of finish and merge");
#endif

static inline op_list_u8 op_list_of(op_bytes bytes) {
  uint8_t *copy = op_alloc(bytes.size);
  if (bytes.size) memcpy(copy, bytes.at, bytes.size);
  return (op_list_u8){copy, bytes.size};
}

static inline op_list_u8 op_bytes_list(op_buffer *buffer) {
  return (op_list_u8){buffer->at, buffer->size};
}

static inline op_list_u32 op_u32_list(op_buffer *buffer) {
  return (op_list_u32){(uint32_t *)buffer->at, buffer->size / sizeof(uint32_t)};
}
