// Sums numbers per key: reads lines `key,value` and keeps, for each key, the sum of its values. See ../README.md.

import { i64, i128, Reject } from '../../../guest-sdk/javascript/index.js';

export const description = { name: 'sum', stateSchema: 'sum:i128-le', rowSchema: 'i64-le' };
export const accumulator = i128;

let preservesKey = false;

export function configure(settings) {
  settings.expectOnly('preserves_key');
  preservesKey = settings.flag('preserves_key');
  return { preservesKey };
}

const [COMMA, PLUS, MINUS, ZERO] = [44, 43, 45, 48];
const I64_MIN = -(1n << 63n);
// This many digits are exact in an ordinary number.
const SAFE_DIGITS = 15;

// Decimal digits after at most one sign, nothing else; what is wrong first is told.
function number(bytes, from) {
  const isNegative = bytes[from] === MINUS;
  const start = isNegative || bytes[from] === PLUS ? from + 1 : from;
  if (start >= bytes.length) throw new Reject('there is no number after the comma');
  if (bytes.length - start > SAFE_DIGITS) return longNumber(bytes, start, isNegative);
  let sum = 0;
  for (let i = start; i < bytes.length; i++) sum = sum * 10 + digit(bytes[i]);
  return BigInt(isNegative ? -sum : sum);
}

// Counts downwards, since there is one more negative number.
function longNumber(bytes, start, isNegative) {
  let sum = 0n;
  for (let i = start; i < bytes.length; i++) {
    sum = sum * 10n - BigInt(digit(bytes[i]));
    if (sum < I64_MIN) throw new Reject('the number does not fit 64 bits');
  }
  if (!isNegative && sum === I64_MIN) throw new Reject('the number does not fit 64 bits');
  return isNegative ? sum : -sum;
}

function digit(byte) {
  const digit = byte - ZERO;
  if (digit < 0 || digit > 9) throw new Reject('what follows the comma is not a decimal number');
  return digit;
}

function isEqual(a, b) {
  return a !== null && a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function transform(record, out) {
  const line = record.data();
  const comma = line.indexOf(COMMA);
  if (comma < 0) throw new Reject('the line has no comma');
  const [key, value] = [line.subarray(0, comma), number(line, comma + 1)];
  if (preservesKey && !isEqual(record.key, key)) {
    throw new Reject("the key in the line is not the record's key, and `preserves_key` is set");
  }
  out.emit(key, i64.encode(value));
}

export function fold(sum, value) {
  return i128.wrap((sum ?? 0n) + i64.decode(value.data));
}

export function merge(sum, other) {
  return i128.wrap(sum + other);
}

export function finish(key, sum) {
  return sum;
}
