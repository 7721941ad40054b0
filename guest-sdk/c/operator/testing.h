// Runs an operator natively, in a test program: the calls are those of the host. What comes of a call is good until
// `op_arena_reset`.
#pragma once

#include "process.h"

// A column of byte strings.
static inline op_bytes_column op_test_column(const op_bytes *strings, size_t count) {
  op_column column = op_column_of(count, 0);
  for (size_t i = 0; i < count; i++) {
    op_append(&column.data, strings[i]);
    op_end_string(&column, op_is_null(strings[i]));
  }
  return op_column_finish(&column);
}

// The answer of a transform for these keys and values (key 0, value 0, key 1, …) at offsets and timestamps from 0.
static inline op_transform_answer op_test_transform(op_transform_function transform, const op_bytes *cells,
                                                    size_t records) {
  op_bytes_column column = op_test_column(cells, 2 * records);
  int64_t *numbers = op_alloc(records * sizeof *numbers);
  for (size_t i = 0; i < records; i++) numbers[i] = (int64_t)i;
  op_list_s64 list = {numbers, records};
  op_transform_call call = {
      .read_at = {.topic = op_list_of(op_text("test")), .offsets = list},
      .rows = {.data = column.data, .offsets = column.offsets, .timestamps = list, .nulls = column.nulls},
  };
  op_transform_answer answer;
  op_run_transform(transform, &call, &answer);
  return answer;
}

// One key "k" with this accumulator and these values, at timestamps from 0.
static inline op_groups op_test_groups(op_bytes accumulator, const op_bytes *values, size_t count) {
  op_bytes key = op_text("k");
  int64_t *timestamps = op_alloc(count * sizeof *timestamps);
  for (size_t i = 0; i < count; i++) timestamps[i] = (int64_t)i;
  uint32_t *end = op_alloc(sizeof *end);
  *end = (uint32_t)count;
  return (op_groups){
      .keys = op_test_column(&key, 1),
      .accumulators = op_test_column(&accumulator, 1),
      .ends = {end, 1},
      .values = op_test_column(values, count),
      .timestamps = {timestamps, count},
  };
}

// The answer of a fold for one key "k" with this accumulator and these values.
static inline op_reduce_answer op_test_reduce(op_fold_function fold, op_bytes accumulator, const op_bytes *values,
                                              size_t count, bool every) {
  op_reduce_call call = {.groups = op_test_groups(accumulator, values, count), .every = every};
  op_reduce_answer answer;
  op_run_reduce(fold, &call, &answer);
  return answer;
}

// The answer of a process for one key "k" with this accumulator and these values.
static inline op_process_answer op_test_process(op_process_function process, op_bytes accumulator,
                                                const op_bytes *values, size_t count) {
  op_groups groups = op_test_groups(accumulator, values, count);
  op_process_answer answer;
  op_run_process(process, &groups, &answer);
  return answer;
}

// The answer of a finish for one key "k".
static inline op_column_answer op_test_finish(op_finish_function finish, op_bytes accumulator) {
  op_bytes key = op_text("k");
  op_bytes_column keys = op_test_column(&key, 1), accumulators = op_test_column(&accumulator, 1);
  op_column_answer answer;
  op_run_finish(finish, &keys, &accumulators, &answer);
  return answer;
}

// The answer of a merge for one pair.
static inline op_column_answer op_test_merge(op_merge_function merge, op_bytes left, op_bytes right) {
  op_bytes_column lefts = op_test_column(&left, 1), rights = op_test_column(&right, 1);
  op_column_answer answer;
  op_run_merge(merge, &lefts, &rights, &answer);
  return answer;
}

// Cell `i` of rows (key 0, value 0, key 1, …).
static inline op_bytes op_test_cell(const op_columns *rows, size_t i) {
  if (op_bit(rows->nulls.at, rows->nulls.count, i)) return op_null;
  return op_cell(&rows->data, &rows->offsets, i);
}
