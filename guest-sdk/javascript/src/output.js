// Where a transform or a process puts its rows.

import { Bytes, bits, cell } from './columns.js';
import { fromText } from './utf8.js';

/** The output rows of a batch, in the order in which they are emitted. */
export class Output {
  constructor(room) {
    this.data = new Bytes(room);
    this.offsets = [0];
    this.nulls = [];
    this.source = [];
    this.timestamps = new Map();
    this.headers = new Map();
    this.row = 0;
  }

  /**
   * Writes a row: keys and values are Uint8Array, null, or anything else as its text. Without `timestamp`
   * (milliseconds since the Unix epoch) it has that of its record or value; `headers` are pairs of a name and a value.
   */
  emit(key, value, { timestamp, headers } = {}) {
    this.push(cell(key));
    this.push(cell(value));
    if (timestamp !== undefined) this.timestamps.set(this.source.length, timestamp);
    if (headers?.length) this.headers.set(this.source.length, headers);
    this.source.push(this.row);
  }

  /** Writes the record as it is, with its headers. */
  forward(record) {
    this.emit(record.key, record.value, { headers: record.headers() });
  }

  push(bytes) {
    if (bytes === null) this.nulls.push(this.offsets.length - 1);
    else this.data.push(bytes);
    this.offsets.push(this.data.size);
  }

  /** Takes back the rows of the current record or value. */
  withdraw() {
    while (this.source.length && this.source[this.source.length - 1] === this.row) this.source.pop();
    const rows = this.source.length;
    this.offsets.length = 2 * rows + 1;
    this.data.size = this.offsets[2 * rows];
    this.nulls = this.nulls.filter((i) => i < 2 * rows);
    for (const byRow of [this.timestamps, this.headers]) {
      for (const row of [...byRow.keys()]) if (row >= rows) byRow.delete(row);
    }
  }

  /** The rows as the contract wants them. */
  finish(sourceTimestamps) {
    const timestamps = this.timestamps.size
      ? this.source.map((row, i) => this.timestamps.get(i) ?? sourceTimestamps[row])
      : [];
    const nulls = bits(this.nulls, 2 * this.source.length);
    return { data: this.data.written(), offsets: this.offsets, timestamps, nulls, headers: this.headerColumns() };
  }

  headerColumns() {
    if (!this.headers.size) return null;
    const [ends, data, offsets, nulls] = [[], new Bytes(0), [0], []];
    for (let row = 0; row < this.source.length; row++) {
      for (const [name, value] of this.headers.get(row) ?? []) {
        const bytes = cell(value);
        if (bytes === null) nulls.push((offsets.length - 1) / 2);
        data.push(fromText(name));
        offsets.push(data.size);
        data.push(bytes ?? new Uint8Array(0));
        offsets.push(data.size);
      }
      ends.push((offsets.length - 1) / 2);
    }
    return { ends, data: data.written(), offsets, nullValues: bits(nulls, (offsets.length - 1) / 2) };
  }
}
