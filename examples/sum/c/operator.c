// Sums numbers per key: reads lines `key,value` and keeps, for each key, the sum of its values. See ../README.md.

#include "../../../guest-sdk/c/operator.h"

static bool preserves_key;

static const char *configure(const op_settings *settings, op_description *description) {
  const char *error = op_expect_only(settings, (const char *const[]){"preserves_key", NULL});
  if (!error) error = op_setting_bool(settings, "preserves_key", &preserves_key);
  description->preserves_key = preserves_key;
  return error;
}

static const char *const number_errors[] = {
    [OP_NUMBER_EMPTY] = "there is no number after the comma",
    [OP_NUMBER_DIGIT] = "what follows the comma is not a decimal number",
    [OP_NUMBER_RANGE] = "the number does not fit 64 bits",
};

static op_error transform(const op_record *record, op_output *out) {
  op_bytes key, text;
  int64_t number;
  OP_TRY(op_expect_value(record));
  if (!op_split(record->value, ',', &key, &text)) return op_reject("the line has no comma");
  op_number_error error = op_parse_i64(text, &number);
  if (error != OP_NUMBER_OK) return op_reject(number_errors[error]);
  if (preserves_key && !op_equal(record->key, key)) {
    return op_reject("the key in the line is not the record's key, and `preserves_key` is set");
  }
  op_emit(out, key, OP_NUMBER(number));
  return op_ok;
}

static op_error fold(op_state *state, const op_value *value) {
  int64_t number;
  op_u128 sum = 0;
  OP_TRY(OP_READ(value->bytes, number));
  OP_TRY(OP_STATE_READ(state, sum));
  // Unsigned, as those wrap.
  sum += (op_u128)number;
  op_state_set(state, OP_NUMBER(sum));
  return op_ok;
}

static op_error merge(op_state *state, op_bytes other) {
  op_u128 sum = 0, more;
  OP_TRY(OP_STATE_READ(state, sum));
  OP_TRY(OP_READ(other, more));
  sum += more;
  op_state_set(state, OP_NUMBER(sum));
  return op_ok;
}

static op_error finish(op_bytes key, op_bytes accumulator, op_buffer *out, bool *is_tombstone) {
  op_i128 sum;
  (void)key, (void)is_tombstone;
  OP_TRY(OP_READ(accumulator, sum));
  op_append_i128(out, sum);
  return op_ok;
}

OP_OPERATOR(configure, .name = "sum", .version = "0.1.0", .state_schema = "sum:i128-le", .row_schema = "i64-le")
OP_TRANSFORM(transform)
OP_REDUCE(fold)
OP_FINISH(finish)
OP_MERGE(merge)
