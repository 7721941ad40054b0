// Lets a value through when it differs from the one before of its key.

#include "{{sdk}}/operator.h"

static op_error process(op_state *last, const op_value *value, op_output *out) {
  OP_TRY(op_expect_utf8(value->bytes, "the value is not UTF-8"));
  if (op_equal(op_state_bytes(last), value->bytes)) return op_ok;
  op_emit(out, value->key, value->bytes);
  op_state_set(last, value->bytes);
  return op_ok;
}

OP_OPERATOR(op_no_settings, .name = "{{name}}", .version = "0.1.0", .state_schema = "last:text")
OP_PROCESS(process)
