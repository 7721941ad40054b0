// Sums numbers per key: lines `key,number`.

#include "{{sdk}}/operator.h"

static op_error transform(const op_record *record, op_output *out) {
  op_bytes key, text;
  int64_t number;
  OP_TRY(op_expect_value(record));
  if (!op_split(record->value, ',', &key, &text)) return op_reject("the line has no comma");
  if (op_parse_i64(text, &number) != OP_NUMBER_OK) return op_reject("what follows the comma is no number of 64 bits");
  op_emit(out, key, OP_NUMBER(number));
  return op_ok;
}

static op_error fold(op_state *state, const op_value *value) {
  int64_t number, sum = 0;
  OP_TRY(OP_READ(value->bytes, number));
  OP_TRY(OP_STATE_READ(state, sum));
  if (__builtin_add_overflow(sum, number, &sum)) return op_reject("the sum leaves the range of 64 bits");
  op_state_set(state, OP_NUMBER(sum));
  return op_ok;
}

static op_error finish(op_bytes key, op_bytes accumulator, op_buffer *out, bool *is_tombstone) {
  int64_t sum;
  (void)key, (void)is_tombstone;
  OP_TRY(OP_READ(accumulator, sum));
  op_append_i128(out, sum);
  return op_ok;
}

OP_OPERATOR(op_no_settings, .name = "{{name}}", .version = "0.1.0", .state_schema = "sum:i64-le", .row_schema = "i64-le")
OP_TRANSFORM(transform)
OP_REDUCE(fold)
OP_FINISH(finish)
