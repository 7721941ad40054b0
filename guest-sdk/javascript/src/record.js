// What an operator sees of a batch: one record or value at a time.

import { Reject } from './errors.js';
import { bit } from './columns.js';
import { toText } from './utf8.js';

function parse(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Reject(`the value is not JSON: ${error.message}`);
  }
}

/**
 * One record of the input. `key` and `value` are Uint8Array, or null; `timestamp` counts milliseconds since the Unix
 * epoch; `topic`, `partition` and `offset` say where it was read. Good until the function that got it returns.
 */
export class Record {
  /** The value's bytes; a null is rejected. */
  data() {
    if (this.value === null) throw new Reject('the value is null');
    return this.value;
  }

  /** The value as text; a null, and what is not UTF-8, is rejected. */
  text() {
    return toText(this.data());
  }

  /** The value read as JSON; what is none is rejected. */
  json() {
    return parse(this.text());
  }

  /** Pairs of a name and a value (Uint8Array or null) in the record's order; a name may occur twice. */
  headers() {
    const columns = this.headerColumns;
    if (!columns) return [];
    const found = [];
    const { data, offsets, ends, nullValues } = columns;
    for (let i = this.row ? ends[this.row - 1] : 0; i < ends[this.row]; i++) {
      const value = bit(nullValues, i) ? null : data.subarray(offsets[2 * i + 1], offsets[2 * i + 2]);
      found.push([toText(data.subarray(offsets[2 * i], offsets[2 * i + 1])), value]);
    }
    return found;
  }
}

/** One value to be folded into the accumulator of its key: `key` and `data` are Uint8Array, `timestamp` counts
 * milliseconds since the Unix epoch. */
export class Value {
  constructor(key) {
    this.key = key;
    this.data = null;
    this.timestamp = 0;
  }

  /** The bytes as text; what is not UTF-8 is rejected. */
  text() {
    return toText(this.data);
  }

  /** The bytes read as JSON; what is none is rejected. */
  json() {
    return parse(this.text());
  }
}
