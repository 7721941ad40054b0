// Lines `level: message` become rows: the level is the key, the message the value; debug lines are dropped.

import { Reject } from './{{sdk}}/index.js';

export const description = { name: '{{name}}' };

export function transform(record, out) {
  const line = record.text();
  const at = line.indexOf(': ');
  if (at < 0) throw new Reject('the line has no level');
  const level = line.slice(0, at);
  if (level !== 'debug') out.emit(level, line.slice(at + 2));
}
