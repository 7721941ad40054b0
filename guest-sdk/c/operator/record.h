// What an operator sees of a batch: one borrowed record or value at a time.
#pragma once

#include "abi.h"
#include "error.h"

// The headers of a record.
typedef struct {
  const op_header_columns *columns;
  size_t from;
  size_t to;
} op_headers;

// One record of the input. Keys and values may be null (`op_is_null`).
typedef struct {
  op_bytes key;
  op_bytes value;
  // Milliseconds since the Unix epoch.
  int64_t timestamp;
  op_headers headers;
  // Where it was read.
  op_bytes topic;
  uint32_t partition;
  int64_t offset;
} op_record;

// One value to be folded into the state of its key; neither is null.
typedef struct {
  op_bytes key;
  op_bytes bytes;
  // Milliseconds since the Unix epoch.
  int64_t timestamp;
} op_value;

// A header; its value may be null.
typedef struct {
  op_bytes name;
  op_bytes value;
} op_header;

static inline op_bytes op_cell(const op_list_u8 *data, const op_list_u32 *offsets, size_t i) {
  uint32_t from = offsets->at[i];
  return op_data(data->at + from, offsets->at[i + 1] - from);
}

static inline size_t op_header_count(op_headers headers) {
  return headers.to - headers.from;
}

// Header `i`, from 0 to `op_header_count`, in the record's order.
static inline op_header op_header_at(op_headers headers, size_t i) {
  const op_header_columns *columns = headers.columns;
  size_t at = headers.from + i;
  op_header header = {op_cell(&columns->data, &columns->offsets, 2 * at), op_null};
  if (!op_bit(columns->null_values.at, columns->null_values.count, at)) {
    header.value = op_cell(&columns->data, &columns->offsets, 2 * at + 1);
  }
  return header;
}

// The value of the last header of this name; false when there is none.
static inline bool op_header_named(op_headers headers, const char *name, op_bytes *value) {
  for (size_t i = op_header_count(headers); i-- > 0;) {
    op_header header = op_header_at(headers, i);
    if (op_equal(header.name, op_text(name))) {
      *value = header.value;
      return true;
    }
  }
  return false;
}

// Refuses a record whose value is null.
static inline op_error op_expect_value(const op_record *record) {
  return op_is_null(record->value) ? op_reject("the value is null") : op_ok;
}

// Refuses bytes that are not UTF-8 (`what`: "the value is not UTF-8").
static inline op_error op_expect_utf8(op_bytes bytes, const char *what) {
  for (size_t i = 0; i < bytes.size;) {
    uint8_t first = bytes.at[i];
    size_t more = first < 0x80 ? 0 : first < 0xc2 ? 9 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 9;
    if (more > bytes.size - i - 1) return op_reject(what);
    for (size_t k = 1; k <= more; k++) {
      if ((bytes.at[i + k] & 0xc0) != 0x80) return op_reject(what);
    }
    uint8_t second = more ? bytes.at[i + 1] : 0;
    bool is_wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                    (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
    if (is_wrong) return op_reject(what);
    i += more + 1;
  }
  return op_ok;
}
