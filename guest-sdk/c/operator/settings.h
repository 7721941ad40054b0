// The settings of the operator: `[settings]` in host.toml, `--set name=value`. A function that finds one wrong answers
// with the text that stops the start, else with NULL.
#pragma once

#include "abi.h"
#include "number.h"

typedef struct {
  const op_pair *pairs;
  size_t count;
} op_settings;

// The value of a setting; null when it is not set.
static inline op_bytes op_setting(const op_settings *settings, const char *name) {
  for (size_t i = 0; i < settings->count; i++) {
    const op_pair *pair = &settings->pairs[i];
    if (op_equal(op_data(pair->name.at, pair->name.count), op_text(name))) {
      return op_data(pair->value.at, pair->value.count);
    }
  }
  return op_null;
}

// The text of a buffer, with a zero at its end.
static inline const char *op_text_of(op_buffer *buffer) {
  op_append(buffer, op_data("", 1));
  return (const char *)buffer->at;
}

// The text that stops the start because of a setting.
__attribute__((noinline, cold)) static const char *op_wrong_setting(const char *name, op_bytes value, const char *why) {
  op_buffer error = op_buffer_of(128);
  op_append_text(&error, "setting `");
  op_append_text(&error, name);
  op_append_text(&error, "` has the value `");
  op_append(&error, value);
  op_append_text(&error, "`: ");
  op_append_text(&error, why);
  return op_text_of(&error);
}

// Reads `true` or `false`; leaves `value` as it is when the setting is not set.
static inline const char *op_setting_bool(const op_settings *settings, const char *name, bool *value) {
  op_bytes text = op_setting(settings, name);
  if (op_is_null(text)) return NULL;
  if (op_equal(text, op_text("true")) || op_equal(text, op_text("false"))) {
    *value = text.at[0] == 't';
    return NULL;
  }
  return op_wrong_setting(name, text, "provided string was not `true` or `false`");
}

// Reads a whole number of 64 bits; leaves `value` as it is when the setting is not set.
static inline const char *op_setting_i64(const op_settings *settings, const char *name, int64_t *value) {
  op_bytes text = op_setting(settings, name);
  if (op_is_null(text) || op_parse_i64(text, value) == OP_NUMBER_OK) return NULL;
  return op_wrong_setting(name, text, "it is no whole number of 64 bits");
}

// Refuses settings that are not in `names` (NULL ends them), so that a misspelt one is not ignored.
static inline const char *op_expect_only(const op_settings *settings, const char *const *names) {
  for (size_t i = 0; i < settings->count; i++) {
    op_bytes found = op_data(settings->pairs[i].name.at, settings->pairs[i].name.count);
    const char *const *name = names;
    while (*name && !op_equal(found, op_text(*name))) name++;
    if (*name) continue;
    op_buffer error = op_buffer_of(128);
    op_append_text(&error, "unknown setting `");
    op_append(&error, found);
    op_append_text(&error, *names ? "`: there are " : "`: there are none");
    for (name = names; *name; name++) {
      if (name != names) op_append_text(&error, ", ");
      op_append_text(&error, *name);
    }
    return op_text_of(&error);
  }
  return NULL;
}
