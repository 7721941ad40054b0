// Lets a value through when it differs from the one before of its key.

import { text } from './{{sdk}}/index.js';

export const description = { name: '{{name}}', stateSchema: 'last:text' };
export const accumulator = text;

export function process(last, value, out) {
  const now = value.text();
  if (now !== last) out.emit(value.key, now);
  return now;
}
