// Where a transform or a process puts its rows.
#pragma once

#include "record.h"

typedef struct {
  uint32_t row;
  int64_t timestamp;
} op_set_timestamp;

// The output rows of a batch, in the order in which they are emitted.
typedef struct {
  op_buffer data;
  op_buffer offsets;
  op_buffer nulls;
  op_buffer source;
  // Timestamps that were set, with their rows; the others are their source's.
  op_buffer timestamps;
  // Rows at the end without a header have no entry in `ends` before the end.
  op_buffer header_ends;
  op_buffer header_data;
  op_buffer header_offsets;
  op_buffer header_nulls;
  // The input row, or the value, that rows are made from now.
  uint32_t row;
} op_output;

static inline size_t op_row_count(const op_output *out) {
  return out->source.size / sizeof(uint32_t);
}

static inline void op_push_cell(op_output *out, op_bytes cell) {
  if (op_is_null(cell)) op_set_bit(&out->nulls, out->offsets.size / sizeof(uint32_t) - 1);
  op_append(&out->data, cell);
  op_push_u32(&out->offsets, out->data.size);
}

// Writes a row. It has the timestamp of the record that it is made from, and no headers, unless they are set after it.
static inline void op_emit(op_output *out, op_bytes key, op_bytes value) {
  op_push_cell(out, key);
  op_push_cell(out, value);
  op_push_u32(&out->source, out->row);
}

// Gives the row that was just emitted a timestamp of its own, in milliseconds since the Unix epoch.
static inline void op_emit_timestamp(op_output *out, int64_t timestamp) {
  op_set_timestamp set = {(uint32_t)op_row_count(out) - 1, timestamp};
  op_append(&out->timestamps, op_data(&set, sizeof set));
}

static inline size_t op_output_headers(const op_output *out) {
  return (out->header_offsets.size / sizeof(uint32_t) - 1) / 2;
}

// Adds a header to the row that was just emitted; its value may be null.
static inline void op_emit_header(op_output *out, op_bytes name, op_bytes value) {
  size_t rows = op_row_count(out), header = op_output_headers(out);
  while (out->header_ends.size / sizeof(uint32_t) < rows) op_push_u32(&out->header_ends, header);
  op_append(&out->header_data, name);
  op_push_u32(&out->header_offsets, out->header_data.size);
  if (op_is_null(value)) op_set_bit(&out->header_nulls, header);
  op_append(&out->header_data, value);
  op_push_u32(&out->header_offsets, out->header_data.size);
  ((uint32_t *)out->header_ends.at)[rows - 1] = (uint32_t)header + 1;
}

// Writes the record as it is, with its headers.
static inline void op_forward(op_output *out, const op_record *record) {
  op_emit(out, record->key, record->value);
  for (size_t i = 0; i < op_header_count(record->headers); i++) {
    op_header header = op_header_at(record->headers, i);
    op_emit_header(out, header.name, header.value);
  }
}

static inline op_output op_output_of(size_t rows, size_t bytes) {
  op_output out = {
      .data = op_buffer_of(bytes),
      .offsets = op_buffer_of(sizeof(uint32_t) * (2 * rows + 1)),
      .nulls = op_buffer_of(0),
      .source = op_buffer_of(sizeof(uint32_t) * rows),
      .timestamps = op_buffer_of(0),
      .header_ends = op_buffer_of(0),
      .header_data = op_buffer_of(0),
      .header_offsets = op_buffer_of(0),
      .header_nulls = op_buffer_of(0),
  };
  op_push_u32(&out.offsets, 0);
  op_push_u32(&out.header_offsets, 0);
  return out;
}

static inline uint32_t op_u32_at(const op_buffer *buffer, size_t i) {
  return ((const uint32_t *)buffer->at)[i];
}

// Takes back the rows made from the current input row or value.
__attribute__((noinline, cold)) static void op_withdraw(op_output *out) {
  size_t rows = op_row_count(out);
  while (rows && op_u32_at(&out->source, rows - 1) == out->row) rows--;
  out->source.size = sizeof(uint32_t) * rows;
  out->offsets.size = sizeof(uint32_t) * (2 * rows + 1);
  out->data.size = op_u32_at(&out->offsets, 2 * rows);
  op_cut_bits(&out->nulls, 2 * rows);
  const op_set_timestamp *set = (const op_set_timestamp *)out->timestamps.at;
  size_t kept = out->timestamps.size / sizeof *set;
  while (kept && set[kept - 1].row >= rows) kept--;
  out->timestamps.size = kept * sizeof *set;
  if (out->header_ends.size > sizeof(uint32_t) * rows) out->header_ends.size = sizeof(uint32_t) * rows;
  size_t ends = out->header_ends.size / sizeof(uint32_t);
  size_t headers = ends ? op_u32_at(&out->header_ends, ends - 1) : 0;
  out->header_offsets.size = sizeof(uint32_t) * (2 * headers + 1);
  out->header_data.size = op_u32_at(&out->header_offsets, 2 * headers);
  op_cut_bits(&out->header_nulls, headers);
}

static inline void op_output_timestamps(op_output *out, const int64_t *of_sources, op_list_s64 *timestamps) {
  const op_set_timestamp *set = (const op_set_timestamp *)out->timestamps.at;
  size_t rows = op_row_count(out), count = out->timestamps.size / sizeof *set;
  *timestamps = (op_list_s64){op_alloc(rows * sizeof(int64_t)), rows};
  for (size_t i = 0; i < rows; i++) timestamps->at[i] = of_sources[op_u32_at(&out->source, i)];
  for (size_t i = 0; i < count; i++) timestamps->at[set[i].row] = set[i].timestamp;
}

// The rows as the contract wants them; their sources are `out->source`.
static inline op_columns op_output_finish(op_output *out, const int64_t *source_timestamps) {
  size_t rows = op_row_count(out), headers = op_output_headers(out);
  op_pad_bits(&out->nulls, 2 * rows);
  op_columns columns = {
      .data = op_bytes_list(&out->data),
      .offsets = op_u32_list(&out->offsets),
      .nulls = op_bytes_list(&out->nulls),
  };
  if (out->timestamps.size) op_output_timestamps(out, source_timestamps, &columns.timestamps);
  if (!headers) return columns;
  while (out->header_ends.size / sizeof(uint32_t) < rows) op_push_u32(&out->header_ends, headers);
  op_pad_bits(&out->header_nulls, headers);
  columns.has_headers = true;
  columns.headers = (op_header_columns){op_u32_list(&out->header_ends), op_bytes_list(&out->header_data),
                                        op_u32_list(&out->header_offsets), op_bytes_list(&out->header_nulls)};
  return columns;
}
