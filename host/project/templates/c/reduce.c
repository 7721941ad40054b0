// Counts the records of each key.

#include "{{sdk}}/operator.h"

static op_error fold(op_state *state, const op_value *value) {
  uint64_t count = 0;
  (void)value;
  OP_TRY(OP_STATE_READ(state, count));
  count++;
  op_state_set(state, OP_NUMBER(count));
  return op_ok;
}

static op_error finish(op_bytes key, op_bytes accumulator, op_buffer *out, bool *is_tombstone) {
  uint64_t count;
  (void)key, (void)is_tombstone;
  OP_TRY(OP_READ(accumulator, count));
  op_append_i128(out, count);
  return op_ok;
}

OP_OPERATOR(op_no_settings, .name = "{{name}}", .version = "0.1.0", .state_schema = "count:u64-le")
OP_REDUCE(fold)
OP_FINISH(finish)
