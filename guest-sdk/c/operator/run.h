// Drives an operator over columns: the calls of the contract, over one record or value at a time. The same code runs
// on Wasm and in native tests.
#pragma once

#include "output.h"
#include "state.h"

// Rows in, any number of rows out: emits none to drop a record, or several. Called in offset order. When it refuses
// the record, what it has emitted for it is taken back.
typedef op_error (*op_transform_function)(const op_record *record, op_output *out);

// Folds one value into the state of its key; called in log order. Refusing it leaves the state as it was before. What
// comes of it may only depend on what is given here: batches may be cut anywhere, and given again.
typedef op_error (*op_fold_function)(op_state *state, const op_value *value);

// Writes the output value of a key to `out`, once a commit for each key that was touched. `*is_tombstone = true` makes
// it a record with a null value.
typedef op_error (*op_finish_function)(op_bytes key, op_bytes accumulator, op_buffer *out, bool *is_tombstone);

// Merges `other` into `state`, both of one key. Only for folds in which the order of values does not count, and which
// refuse no value because of those before it: it must come to the same as folding all values into one.
typedef op_error (*op_merge_function)(op_state *state, op_bytes other);

static inline op_failure op_failure_of(op_error error) {
  return (op_failure){error.outcome == OP_RETRY ? 0 : 1, op_list_of(error.text)};
}

static inline void op_push_bad(op_buffer *bad, size_t row, op_bytes reason) {
  op_bad_row refused = {(uint32_t)row, op_list_of(reason)};
  op_append(bad, op_data(&refused, sizeof refused));
}

static inline op_list_bad_row op_bad_list(op_buffer *bad) {
  return (op_list_bad_row){(op_bad_row *)bad->at, bad->size / sizeof(op_bad_row)};
}

// Record `i` of a batch. `header_end` is where those before it end, and then where its own do.
static inline op_record op_record_at(const op_transform_call *call, size_t i, size_t *header_end) {
  const op_columns *rows = &call->rows;
  const op_list_u8 *nulls = &rows->nulls;
  op_record record = {
      .key = op_cell(&rows->data, &rows->offsets, 2 * i),
      .value = op_cell(&rows->data, &rows->offsets, 2 * i + 1),
      .timestamp = rows->timestamps.at[i],
      .topic = op_data(call->read_at.topic.at, call->read_at.topic.count),
      .partition = call->read_at.partition,
      .offset = call->read_at.offsets.at[i],
  };
  if (nulls->count) {
    if (op_bit(nulls->at, nulls->count, 2 * i)) record.key = op_null;
    if (op_bit(nulls->at, nulls->count, 2 * i + 1)) record.value = op_null;
  }
  if (rows->has_headers) {
    record.headers = (op_headers){&rows->headers, *header_end, rows->headers.ends.at[i]};
    *header_end = record.headers.to;
  }
  return record;
}

static inline void op_run_transform(op_transform_function transform, const op_transform_call *call,
                                    op_transform_answer *answer) {
  size_t count = call->read_at.offsets.count, header_end = 0;
  op_output out = op_output_of(count, call->rows.data.count);
  op_buffer bad = op_buffer_of(0);
  *answer = (op_transform_answer){0};
  for (size_t i = 0; i < count; i++) {
    op_record record = op_record_at(call, i, &header_end);
    out.row = (uint32_t)i;
    op_error error = transform(&record, &out);
    if (error.outcome == OP_OK) continue;
    if (error.outcome != OP_REJECT) {
      *answer = (op_transform_answer){.is_error = true, .failure = op_failure_of(error)};
      return;
    }
    op_push_bad(&bad, i, error.text);
    op_withdraw(&out);
  }
  answer->rows = op_output_finish(&out, call->rows.timestamps.at);
  answer->source = op_u32_list(&out.source);
  answer->bad = op_bad_list(&bad);
}

// A column of byte strings being written.
typedef struct {
  op_buffer data;
  op_buffer offsets;
  op_buffer nulls;
} op_column;

static inline op_column op_column_of(size_t strings, size_t bytes) {
  op_column column = {op_buffer_of(bytes), op_buffer_of(sizeof(uint32_t) * (strings + 1)), op_buffer_of(0)};
  op_push_u32(&column.offsets, 0);
  return column;
}

// Ends the string that was written to `data`, or makes it a null.
static inline void op_end_string(op_column *column, bool is_null) {
  size_t at = column->offsets.size / sizeof(uint32_t) - 1;
  if (is_null) {
    column->data.size = op_u32_at(&column->offsets, at);
    op_set_bit(&column->nulls, at);
  }
  op_push_u32(&column->offsets, column->data.size);
}

static inline void op_push_state(op_column *column, const op_state *state) {
  op_append(&column->data, op_state_bytes(state));
  op_end_string(column, !state->is_there);
}

static inline op_bytes_column op_column_finish(op_column *column) {
  op_pad_bits(&column->nulls, column->offsets.size / sizeof(uint32_t) - 1);
  return (op_bytes_column){op_bytes_list(&column->data), op_u32_list(&column->offsets), op_bytes_list(&column->nulls)};
}

// String `i` of a column.
static inline op_bytes op_string_at(const op_bytes_column *column, size_t i) {
  if (op_bit(column->nulls.at, column->nulls.count, i)) return op_null;
  return op_cell(&column->data, &column->offsets, i);
}

// The state of key `i` as the host has it.
static inline void op_load_state(op_state *state, const op_groups *groups, size_t i) {
  state->key = op_cell(&groups->keys.data, &groups->keys.offsets, i);
  op_state_set(state, op_string_at(&groups->accumulators, i));
}

// Value `at` of the key that `state` is of.
static inline op_value op_value_at(const op_groups *groups, const op_state *state, size_t at) {
  return (op_value){state->key, op_cell(&groups->values.data, &groups->values.offsets, at), groups->timestamps.at[at]};
}

static inline void op_run_reduce(op_fold_function fold, const op_reduce_call *call, op_reduce_answer *answer) {
  const op_groups *groups = &call->groups;
  size_t keys = groups->ends.count, values = groups->timestamps.count, at = 0;
  op_column out = op_column_of(call->every ? values : keys, groups->accumulators.data.count + 16 * keys);
  op_buffer bad = op_buffer_of(0);
  op_state state = {.bytes = op_buffer_of(0)};
  op_backup backup = {.bytes = op_buffer_of(0)};
  for (size_t i = 0; i < keys; i++) {
    op_load_state(&state, groups, i);
    for (; at < groups->ends.at[i]; at++) {
      op_value value = op_value_at(groups, &state, at);
      op_back_up(&backup, &state);
      op_error error = fold(&state, &value);
      if (error.outcome == OP_REJECT) {
        op_push_bad(&bad, at, error.text);
        op_restore(&backup, &state);
      } else if (error.outcome != OP_OK) {
        *answer = (op_reduce_answer){.is_error = true, .failure = op_failure_of(error)};
        return;
      }
      if (call->every) op_push_state(&out, &state);
    }
    if (!call->every) op_push_state(&out, &state);
  }
  *answer = (op_reduce_answer){.accumulators = op_column_finish(&out), .bad = op_bad_list(&bad)};
}

static inline void op_run_finish(op_finish_function finish, const op_bytes_column *keys,
                                 const op_bytes_column *accumulators, op_column_answer *answer) {
  size_t count = accumulators->offsets.count - 1;
  op_column out = op_column_of(count, accumulators->data.count);
  for (size_t i = 0; i < count; i++) {
    op_bytes accumulator = op_string_at(accumulators, i);
    bool is_tombstone = op_is_null(accumulator);
    op_error error = is_tombstone ? op_ok : finish(op_string_at(keys, i), accumulator, &out.data, &is_tombstone);
    if (error.outcome != OP_OK) {
      *answer = (op_column_answer){.is_error = true, .failure = op_failure_of(error)};
      return;
    }
    op_end_string(&out, is_tombstone);
  }
  *answer = (op_column_answer){.column = op_column_finish(&out)};
}

static inline void op_run_merge(op_merge_function merge, const op_bytes_column *left, const op_bytes_column *right,
                                op_column_answer *answer) {
  size_t count = left->offsets.count - 1;
  op_column out = op_column_of(count, left->data.count);
  op_state state = {.bytes = op_buffer_of(0)};
  for (size_t i = 0; i < count; i++) {
    op_state_set(&state, op_string_at(left, i));
    op_error error = merge(&state, op_string_at(right, i));
    if (error.outcome != OP_OK) {
      *answer = (op_column_answer){.is_error = true, .failure = op_failure_of(error)};
      return;
    }
    op_push_state(&out, &state);
  }
  *answer = (op_column_answer){.column = op_column_finish(&out)};
}
