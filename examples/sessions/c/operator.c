// Puts the events of a key together that are near each other in time. See ../README.md.

#include "../../../guest-sdk/c/operator.h"

static int64_t gap_ms = 30 * 60 * 1000;

static const char *configure(const op_settings *settings, op_description *description) {
  (void)description;
  const char *error = op_expect_only(settings, (const char *const[]){"gap_ms", NULL});
  if (!error) error = op_setting_i64(settings, "gap_ms", &gap_ms);
  if (!error && gap_ms < 1) error = "setting `gap_ms` may be 1 and more";
  return error;
}

typedef struct {
  int64_t first_ms;
  int64_t last_ms;
  int64_t events;
} session;

static void append(op_buffer *row, const char *name, int64_t number) {
  op_append_text(row, name);
  op_append_i128(row, number);
}

static void write_session(const session *ended, op_bytes key, const char *by, op_output *out) {
  op_buffer row = op_buffer_of(96);
  append(&row, "{\"events\":", ended->events);
  append(&row, ",\"first_ms\":", ended->first_ms);
  append(&row, ",\"last_ms\":", ended->last_ms);
  op_append_text(&row, "}");
  op_emit(out, key, op_data(row.at, row.size));
  op_emit_timestamp(out, ended->last_ms);
  op_emit_header(out, op_text("ended-by"), op_text(by));
}

static op_error early(int64_t early_ms) {
  op_buffer reason = op_buffer_of(64);
  append(&reason, "the event is ", early_ms);
  op_append_text(&reason, " ms before its session");
  return op_reject(op_text_of(&reason));
}

static op_error process(op_state *state, const op_value *event, op_output *out) {
  int64_t time_ms = event->timestamp;
  session open = {time_ms, time_ms, 0};
  OP_TRY(OP_STATE_READ(state, open));
  if (open.first_ms - time_ms > gap_ms) return early(open.first_ms - time_ms);
  if (time_ms - open.last_ms > gap_ms) {
    write_session(&open, event->key, "gap", out);
    open = (session){time_ms, time_ms, 0};
  }
  if (time_ms < open.first_ms) open.first_ms = time_ms;
  if (time_ms > open.last_ms) open.last_ms = time_ms;
  open.events++;
  bool is_end = op_equal(event->bytes, op_text("end"));
  if (is_end) write_session(&open, event->key, "end", out);
  op_state_set(state, is_end ? op_null : OP_NUMBER(open));
  return op_ok;
}

OP_OPERATOR(configure, .name = "sessions", .version = "0.1.0", .state_schema = "session:first,last,events:i64-le")
OP_PROCESS(process)
