// Drives a processor over columns: values and state in, state and any rows out.
#pragma once

#include "run.h"

// Takes one value of a key; called in log order. Changes the state and emits rows, of any keys, as many as it likes.
// Refusing the value leaves the state as it was before, and takes back what was emitted for it. What comes of it may
// only depend on what is given here: batches may be cut anywhere, and given again.
typedef op_error (*op_process_function)(op_state *state, const op_value *value, op_output *out);

static inline void op_run_process(op_process_function process, const op_groups *groups, op_process_answer *answer) {
  size_t keys = groups->ends.count, at = 0;
  op_column accumulators = op_column_of(keys, groups->accumulators.data.count + 16 * keys);
  op_output out = op_output_of(groups->timestamps.count, groups->values.data.count);
  op_buffer bad = op_buffer_of(0);
  op_state state = {.bytes = op_buffer_of(0)};
  op_backup backup = {.bytes = op_buffer_of(0)};
  for (size_t i = 0; i < keys; i++) {
    op_load_state(&state, groups, i);
    for (; at < groups->ends.at[i]; at++) {
      op_value value = op_value_at(groups, &state, at);
      op_back_up(&backup, &state);
      out.row = (uint32_t)at;
      op_error error = process(&state, &value, &out);
      if (error.outcome == OP_OK) continue;
      if (error.outcome != OP_REJECT) {
        *answer = (op_process_answer){.is_error = true, .failure = op_failure_of(error)};
        return;
      }
      op_push_bad(&bad, at, error.text);
      op_restore(&backup, &state);
      op_withdraw(&out);
    }
    op_push_state(&accumulators, &state);
  }
  *answer = (op_process_answer){
      .accumulators = op_column_finish(&accumulators),
      .rows = op_output_finish(&out, groups->timestamps.at),
      .source = op_u32_list(&out.source),
      .bad = op_bad_list(&bad),
  };
}
