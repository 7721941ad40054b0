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

static op_error fold(op_state *sum, const op_value *value) {
  return op_state_add_i64(sum, value->bytes);
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
