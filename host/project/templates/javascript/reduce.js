// Counts the records of each key.

import { i64 } from './{{sdk}}/index.js';

export const description = { name: '{{name}}', stateSchema: 'count:i64-le' };
export const accumulator = i64;

export function fold(count) {
  return (count ?? 0n) + 1n;
}

export function finish(key, count) {
  return count;
}
