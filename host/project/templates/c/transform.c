// Lines `level: message` become rows: the level is the key, the message the value; debug lines are dropped.

#include "{{sdk}}/operator.h"

static op_error transform(const op_record *record, op_output *out) {
  op_bytes level, message;
  OP_TRY(op_expect_value(record));
  if (!op_split(record->value, ':', &level, &message) || message.size == 0 || message.at[0] != ' ') {
    return op_reject("the line has no level");
  }
  if (!op_equal(level, op_text("debug"))) op_emit(out, level, op_data(message.at + 1, message.size - 1));
  return op_ok;
}

OP_OPERATOR(op_no_settings, .name = "{{name}}", .version = "0.1.0")
OP_TRANSFORM(transform)
