// Sums numbers per key: lines `key,number`.

import { i64, Reject } from './{{sdk}}/index.js';

export const description = { name: '{{name}}', stateSchema: 'sum:i64-le', rowSchema: 'i64-le' };
export const accumulator = i64;

export function transform(record, out) {
  const [, key, number] = /^([^,]*),([+-]?\d+)$/.exec(record.text()) ?? [];
  if (number === undefined) throw new Reject('the line is not `key,number`');
  out.emit(key, i64.encode(BigInt(number.replace('+', ''))));
}

export function fold(sum, value) {
  const added = (sum ?? 0n) + i64.decode(value.data);
  if (added !== i64.wrap(added)) throw new Reject('the sum leaves the range of 64 bits');
  return added;
}

export function finish(key, sum) {
  return sum;
}
