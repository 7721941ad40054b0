// Runs an operator without Wasm, for `node --test`: the calls are those of the host, in its order.

import { Column, bit, bits, stringAt } from './src/columns.js';
import * as run from './src/run.js';
import { fromText, toText } from './src/utf8.js';

const bytesOf = (cell) => (typeof cell === 'string' ? fromText(cell) : (cell ?? null));

/** A column of byte strings: texts, bytes or nulls. */
export function column(cells) {
  const out = new Column(0);
  for (const cell of cells) out.push(bytesOf(cell));
  return out.finish();
}

/**
 * An instance of an operator (its module), its input partition and its state. `batch` is how many records, or values,
 * it gets in a call. `state` has the accumulators' bytes by the key's text, `rejected` what was refused.
 */
export class Runner {
  constructor(operator, { settings = {}, batch = 1000 } = {}) {
    this.operator = operator;
    this.batch = batch;
    this.description = run.configure(operator, Object.entries(settings).sort());
    this.state = new Map();
    this.touched = new Set();
    this.rejected = [];
    this.offset = 0;
  }

  /** The rows of records, each `{ key, value, timestamp, headers }`. A record is such an object, or a value. */
  transform(records) {
    const rows = [];
    for (let at = 0; at < records.length; at += this.batch) {
      rows.push(...this.transformBatch(records.slice(at, at + this.batch).map(asRecord)));
    }
    return rows;
  }

  transformBatch(records) {
    const offsets = records.map(() => this.offset++);
    const readAt = { topic: 'test', partition: 0, offsets };
    const answer = run.transform(this.operator, readAt, columnsOf(records));
    for (const { row, reason } of answer.bad) this.rejected.push({ offset: offsets[row], reason });
    return rowsOf(answer, records.map(({ timestamp }) => timestamp));
  }

  /** Groups rows by key and folds them into the state; those with a null are skipped. */
  reduce(rows) {
    for (const { groups, names } of this.batches(rows)) {
      this.take(names, run.reduce(this.operator, groups, false));
    }
  }

  /** Groups rows by key and processes them: the rows that come out. Those with a null are skipped. */
  process(rows) {
    const made = [];
    for (const { groups, names } of this.batches(rows)) {
      const answer = run.process(this.operator, groups);
      this.take(names, answer);
      made.push(...rowsOf(answer, groups.timestamps));
    }
    return made;
  }

  /** The calls for these rows, one after the other, each with the state that the one before has left. */
  *batches(rows) {
    const whole = rows.filter(({ key, value }) => key !== null && value !== null);
    for (let at = 0; at < whole.length; at += this.batch) {
      const byKey = groupBy(whole.slice(at, at + this.batch), ({ key }) => toText(bytesOf(key)));
      const [names, values] = [[...byKey.keys()], [...byKey.values()].flat()];
      let end = 0;
      yield {
        names,
        groups: {
          keys: column(names),
          accumulators: column(names.map((key) => this.state.get(key))),
          ends: [...byKey.values()].map((ofKey) => (end += ofKey.length)),
          values: column(values.map(({ value }) => value)),
          timestamps: values.map(({ timestamp = 0 }) => timestamp),
        },
      };
    }
  }

  /** Takes what a call has made of the keys. */
  take(names, { accumulators, bad }) {
    for (const { reason } of bad) this.rejected.push({ reason });
    names.forEach((key, i) => {
      const bytes = stringAt(accumulators, i);
      this.touched.add(key);
      if (bytes === null) this.state.delete(key);
      else this.state.set(key, bytes);
    });
  }

  /** Transforms records and reduces the rows. */
  run(records) {
    this.reduce(this.transform(records));
  }

  /** Commits: a Map of the results' texts by key, for those that were touched since the last time; null: a tombstone. */
  finish() {
    const keys = [...this.touched].sort();
    this.touched = new Set();
    const answer = run.finish(this.operator, column(keys), column(keys.map((key) => this.state.get(key))));
    return new Map(keys.map((key, i) => [key, stringAt(answer, i) && toText(stringAt(answer, i))]));
  }

  /** Two accumulators merged. */
  merge(left, right) {
    return stringAt(run.merge(this.operator, column([left]), column([right])), 0);
  }
}

function rowsOf({ rows, source }, timestamps) {
  return source.map((of, i) => ({
    key: cellAt(rows, 2 * i),
    value: cellAt(rows, 2 * i + 1),
    timestamp: rows.timestamps.length ? rows.timestamps[i] : timestamps[of],
    headers: headersAt(rows.headers, i),
  }));
}

function asRecord(record) {
  const isRecord = record !== null && typeof record === 'object' && !(record instanceof Uint8Array);
  const { key = null, value = null, timestamp = 0, headers = [] } = isRecord ? record : { value: record };
  return { key: bytesOf(key), value: bytesOf(value), timestamp, headers };
}

function columnsOf(records) {
  const cells = column(records.flatMap(({ key, value }) => [key, value]));
  const headers = records.flatMap((record) => record.headers);
  if (!headers.length) return { ...cells, timestamps: records.map(({ timestamp }) => timestamp), headers: null };
  let end = 0;
  const { data, offsets } = column(headers.flatMap(([name, value]) => [name, value ?? '']));
  const nulls = headers.flatMap(([, value], i) => (value === null ? [i] : []));
  const ends = records.map((record) => (end += record.headers.length));
  const columns = { ends, data, offsets, nullValues: bits(nulls, headers.length) };
  return { ...cells, timestamps: records.map(({ timestamp }) => timestamp), headers: columns };
}

function cellAt({ data, offsets, nulls }, i) {
  return bit(nulls, i) ? null : data.slice(offsets[i], offsets[i + 1]);
}

function headersAt(columns, row) {
  if (!columns) return [];
  const found = [];
  for (let i = row ? columns.ends[row - 1] : 0; i < columns.ends[row]; i++) {
    const { data, offsets, nullValues } = columns;
    const name = toText(data.slice(offsets[2 * i], offsets[2 * i + 1]));
    found.push([name, bit(nullValues, i) ? null : data.slice(offsets[2 * i + 1], offsets[2 * i + 2])]);
  }
  return found;
}

function groupBy(rows, keyOf) {
  const groups = new Map();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return groups;
}
