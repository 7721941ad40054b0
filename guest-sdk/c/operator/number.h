// Numbers as little-endian bytes and as decimal text.
#pragma once

#include "error.h"

__extension__ typedef __int128 op_i128;
__extension__ typedef unsigned __int128 op_u128;

// Why a text is no number.
typedef enum { OP_NUMBER_OK, OP_NUMBER_EMPTY, OP_NUMBER_DIGIT, OP_NUMBER_RANGE } op_number_error;

// Decimal digits after at most one sign, nothing else. Counts downwards, since there is one more negative number.
__attribute__((noinline, cold)) static op_number_error op_parse_long(op_bytes digits, bool negative, int64_t *number) {
  int64_t n = 0;
  for (size_t i = 0; i < digits.size; i++) {
    uint8_t digit = (uint8_t)(digits.at[i] - '0');
    if (digit > 9) return OP_NUMBER_DIGIT;
    if (__builtin_mul_overflow(n, (int64_t)10, &n)) return OP_NUMBER_RANGE;
    if (__builtin_sub_overflow(n, (int64_t)digit, &n)) return OP_NUMBER_RANGE;
  }
  if (!negative && n == INT64_MIN) return OP_NUMBER_RANGE;
  *number = negative ? n : -n;
  return OP_NUMBER_OK;
}

// This many decimal digits fit 64 bits whatever they are.
#define OP_SAFE_DIGITS 18u

// Reads a decimal number of 64 bits; what is wrong with it, else OP_NUMBER_OK.
static inline op_number_error op_parse_i64(op_bytes text, int64_t *number) {
  bool negative = text.size && text.at[0] == '-';
  size_t sign = negative || (text.size && text.at[0] == '+');
  op_bytes digits = op_data(text.at + sign, text.size - sign);
  if (digits.size == 0) return OP_NUMBER_EMPTY;
  if (digits.size > OP_SAFE_DIGITS) return op_parse_long(digits, negative, number);
  int64_t n = 0;
  for (size_t i = 0; i < digits.size; i++) {
    uint8_t digit = (uint8_t)(digits.at[i] - '0');
    if (digit > 9) return OP_NUMBER_DIGIT;
    n = n * 10 + digit;
  }
  *number = negative ? -n : n;
  return OP_NUMBER_OK;
}

// The bytes of a number: `op_emit(out, key, OP_NUMBER(n))`. Little endian, as all of Wasm.
#define OP_NUMBER(variable) op_data(&(variable), sizeof(variable))

// Appends a number in decimal.
static inline void op_append_i128(op_buffer *out, op_i128 number) {
  char text[40];
  size_t at = sizeof text;
  op_u128 rest = number < 0 ? -(op_u128)number : (op_u128)number;
  do text[--at] = (char)('0' + (int)(rest % 10)), rest /= 10;
  while (rest);
  if (number < 0) text[--at] = '-';
  op_append(out, op_data(text + at, sizeof text - at));
}

__attribute__((noinline, cold)) static op_error op_wrong_size(size_t found, size_t expected) {
  op_buffer text = op_buffer_of(80);
  op_append_text(&text, "the value has ");
  op_append_i128(&text, (op_i128)found);
  op_append_text(&text, " bytes where ");
  op_append_i128(&text, (op_i128)expected);
  op_append_text(&text, " are expected");
  return (op_error){OP_REJECT, op_data(text.at, text.size)};
}

// Copies bytes into a number (or another plain value), refusing those of another size.
static inline op_error op_read(op_bytes bytes, void *to, size_t size) {
  if (bytes.size != size) return op_wrong_size(bytes.size, size);
  memcpy(to, bytes.at, size);
  return op_ok;
}
#define OP_READ(bytes, variable) op_read(bytes, &(variable), sizeof(variable))
