// The SDK and the sum over it, natively: `cc -std=c11 -o /tmp/t guest-sdk/c/test/operator_test.c && /tmp/t` from the
// repository's root.

#include "../../../examples/sum/c/operator.c"

#include "../operator/testing.h"

static int failures;

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);               \
      failures++;                                                          \
    }                                                                      \
  } while (0)

static bool is_text(op_list_u8 list, const char *text) {
  return op_equal(op_data(list.at, list.count), op_text(text));
}

static op_error many(const op_record *record, op_output *out) {
  op_emit(out, op_null, record->value);
  op_emit_header(out, op_text("h"), op_null);
  op_emit(out, op_text("k"), op_text(""));
  op_emit_timestamp(out, 70);
  op_emit_header(out, op_text("a"), op_text("1"));
  op_emit_header(out, op_text("b"), op_text("2"));
  return op_equal(record->value, op_text("bad")) ? op_reject("bad") : op_ok;
}

static void refused_records_take_their_rows_back(void) {
  op_bytes cells[] = {op_null, op_text("1"), op_null, op_text("bad"), op_null, op_text("2"), op_null, op_text("bad")};
  op_transform_answer answer = op_test_transform(many, cells, 4);
  CHECK(!answer.is_error && answer.source.count == 4 && answer.bad.count == 2);
  CHECK(answer.source.at[1] == 0 && answer.source.at[2] == 2);
  CHECK(answer.bad.at[0].row == 1 && answer.bad.at[1].row == 3 && is_text(answer.bad.at[1].reason, "bad"));
  CHECK(op_is_null(op_test_cell(&answer.rows, 4)) && op_equal(op_test_cell(&answer.rows, 5), op_text("2")));
  CHECK(!op_is_null(op_test_cell(&answer.rows, 3)) && op_test_cell(&answer.rows, 3).size == 0);
  CHECK(answer.rows.nulls.count == 1 && answer.rows.nulls.at[0] == 0x11);
  CHECK(answer.rows.timestamps.count == 4);
  CHECK(answer.rows.timestamps.at[0] == 0 && answer.rows.timestamps.at[1] == 70 && answer.rows.timestamps.at[2] == 2);
  const op_header_columns *headers = &answer.rows.headers;
  CHECK(answer.rows.has_headers && headers->ends.count == 4 && headers->offsets.count == 13);
  CHECK(headers->ends.at[0] == 1 && headers->ends.at[1] == 3 && headers->ends.at[3] == 6);
  CHECK(headers->null_values.count == 1 && headers->null_values.at[0] == 0x09);
}

static op_error spoil(op_state *state, const op_value *value) {
  op_buffer both = op_buffer_of(64);
  op_append(&both, op_state_bytes(state));
  op_append(&both, value->bytes);
  op_state_set(state, op_data(both.at, both.size));
  if (op_equal(value->bytes, op_text("delete"))) op_state_set(state, op_null);
  return op_equal(value->bytes, op_text("bad")) ? op_reject("bad") : op_ok;
}

static void refused_values_leave_the_state_as_it_was(void) {
  op_bytes values[] = {op_text("bad"), op_text("a"), op_text("bad"), op_text("b"), op_text("delete"), op_text("c")};
  op_reduce_answer answer = op_test_reduce(spoil, op_null, values, 4, false);
  CHECK(op_equal(op_string_at(&answer.accumulators, 0), op_text("ab")) && answer.bad.count == 2);
  answer = op_test_reduce(spoil, op_text("x"), values, 6, true);
  CHECK(answer.accumulators.offsets.count == 7);
  CHECK(op_equal(op_string_at(&answer.accumulators, 2), op_text("xa")));
  CHECK(op_is_null(op_string_at(&answer.accumulators, 4)));
  CHECK(op_equal(op_string_at(&answer.accumulators, 5), op_text("c")));
}

// Numbers the values of a key and writes each with its number; refuses some after it has written and counted.
static op_error numbered(op_state *state, const op_value *value, op_output *out) {
  int64_t number = 0;
  OP_TRY(OP_STATE_READ(state, number));
  number++;
  op_state_set(state, OP_NUMBER(number));
  op_emit(out, value->key, OP_NUMBER(number));
  if (op_equal(value->bytes, op_text("late"))) op_emit_timestamp(out, value->timestamp + 1000);
  if (op_equal(value->bytes, op_text("late"))) op_emit_header(out, op_text("late"), op_null);
  if (op_equal(value->bytes, op_text("twice"))) op_emit(out, op_text("all"), value->bytes);
  if (op_equal(value->bytes, op_text("delete"))) op_state_set(state, op_null);
  if (op_equal(value->bytes, op_text("stop"))) return op_fatal("stop");
  return op_equal(value->bytes, op_text("bad")) ? op_reject("bad") : op_ok;
}

static void a_process_makes_rows_and_state_and_takes_back_what_it_refuses(void) {
  op_bytes values[] = {op_text("bad"), op_text("twice"), op_text("bad"), op_text("late"), op_text("delete")};
  int64_t two = 2, three = 3;
  op_process_answer answer = op_test_process(numbered, OP_NUMBER(two), values, 4);
  CHECK(!answer.is_error && answer.source.count == 3 && answer.bad.count == 2);
  CHECK(answer.source.at[0] == 1 && answer.source.at[1] == 1 && answer.source.at[2] == 3);
  CHECK(answer.bad.at[0].row == 0 && answer.bad.at[1].row == 2 && is_text(answer.bad.at[1].reason, "bad"));
  CHECK(op_equal(op_test_cell(&answer.rows, 0), op_text("k")));
  CHECK(op_equal(op_test_cell(&answer.rows, 1), OP_NUMBER(three)));
  CHECK(op_equal(op_test_cell(&answer.rows, 2), op_text("all")));
  CHECK(answer.rows.timestamps.at[0] == 1 && answer.rows.timestamps.at[2] == 1003);
  CHECK(answer.rows.has_headers && answer.rows.headers.ends.at[1] == 0 && answer.rows.headers.ends.at[2] == 1);
  int64_t state = two + 2;
  CHECK(op_equal(op_string_at(&answer.accumulators, 0), OP_NUMBER(state)));
  answer = op_test_process(numbered, OP_NUMBER(two), values, 5);
  CHECK(op_is_null(op_string_at(&answer.accumulators, 0)) && answer.source.count == 4);
  op_bytes stop[] = {op_text("stop")};
  answer = op_test_process(numbered, op_null, stop, 1);
  CHECK(answer.is_error && answer.failure.kind == 1 && is_text(answer.failure.text, "stop"));
}

static void the_sum_says_what_is_wrong_with_a_line(void) {
  static const char *const wrong[][2] = {
      {"plum", "the line has no comma"},
      {"a,", "there is no number after the comma"},
      {"a,+-1", "what follows the comma is not a decimal number"},
      {"a,9223372036854775808", "the number does not fit 64 bits"},
      {"a,99999999999999999999x", "the number does not fit 64 bits"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    op_bytes cells[] = {op_null, op_text(wrong[i][0])};
    op_transform_answer answer = op_test_transform(op_exported_transform, cells, 1);
    CHECK(answer.bad.count == 1 && is_text(answer.bad.at[0].reason, wrong[i][1]));
  }
  op_bytes null[] = {op_null, op_null};
  CHECK(is_text(op_test_transform(op_exported_transform, null, 1).bad.at[0].reason, "the value is null"));
}

static void sums_wrap_merge_and_become_text(void) {
  op_i128 most = (op_i128)(~(op_u128)0 >> 1);
  int64_t one = 1, least = INT64_MIN;
  op_bytes values[] = {OP_NUMBER(one), OP_NUMBER(least), OP_NUMBER(one)};
  op_reduce_answer sum = op_test_reduce(op_exported_fold, OP_NUMBER(most), values, 1, false);
  op_column_answer text = op_test_finish(op_exported_finish, op_string_at(&sum.accumulators, 0));
  CHECK(is_text(text.column.data, "-170141183460469231731687303715884105728"));
  op_reduce_answer apart = op_test_reduce(op_exported_fold, op_null, values + 1, 2, false);
  op_column_answer merged =
      op_test_merge(op_exported_merge, op_string_at(&apart.accumulators, 0), op_string_at(&apart.accumulators, 0));
  text = op_test_finish(op_exported_finish, op_string_at(&merged.column, 0));
  CHECK(is_text(text.column.data, "-18446744073709551614"));
  op_reduce_answer unreadable = op_test_reduce(op_exported_fold, op_text("short"), values, 1, false);
  CHECK(unreadable.is_error && unreadable.failure.kind == 1);
}

static op_error add(op_state *sum, const op_value *value) {
  return op_state_add_i64(sum, value->bytes);
}

static void sums_outside_of_their_range_refuse_the_value(void) {
  int64_t most = INT64_MAX, one = 1;
  op_bytes values[] = {OP_NUMBER(most), OP_NUMBER(one)};
  op_reduce_answer answer = op_test_reduce(add, op_null, values, 2, false);
  CHECK(op_equal(op_string_at(&answer.accumulators, 0), OP_NUMBER(most)) && answer.bad.count == 1);
}

static void calls_of_any_size_give_their_memory_back(void) {
  for (size_t size = 1; size < 1u << 20; size *= 3) {
    memset(op_alloc(size), 1, size);
    op_arena_reset();
    CHECK(op_arena->before == NULL && op_arena->used == 0);
  }
}

int main(void) {
  refused_records_take_their_rows_back();
  refused_values_leave_the_state_as_it_was();
  a_process_makes_rows_and_state_and_takes_back_what_it_refuses();
  the_sum_says_what_is_wrong_with_a_line();
  sums_wrap_merge_and_become_text();
  sums_outside_of_their_range_refuse_the_value();
  calls_of_any_size_give_their_memory_back();
  CHECK(op_configure != NULL && op_described.row_schema != NULL);
  printf(failures ? "%d checks failed\n" : "all checks hold\n", failures);
  return failures != 0;
}
