// Drives an operator over columns: the calls of the contract, over one record or value at a time.

import { bit, Column, cell, stringAt } from './columns.js';
import { Fatal, isRejection, reason } from './errors.js';
import { bytes } from './kinds.js';
import { Output } from './output.js';
import { Record, Value } from './record.js';
import { Settings } from './settings.js';

/** What the operator is with these settings; throws the text of what is wrong with them. */
export function configure(operator, pairs) {
  try {
    const settings = new Settings(pairs);
    const { name, version = '0.1.0', preservesKey = false, stateSchema = '', rowSchema = '' } = {
      ...operator.description,
      ...(operator.configure ? operator.configure(settings) : settings.expectOnly()),
    };
    return { name, version, preservesKey, stateSchema, rowSchema };
  } catch (error) {
    throw reason(error);
  }
}

/** `transformer.transform`. */
export function transform(operator, readAt, rows) {
  const { data, offsets, nulls, timestamps } = rows;
  const out = new Output(data.length);
  const bad = [];
  const record = new Record();
  record.topic = readAt.topic;
  record.partition = readAt.partition;
  record.headerColumns = rows.headers;
  for (let i = 0; i < timestamps.length; i++) {
    const middle = offsets[2 * i + 1];
    record.key = nulls.length && bit(nulls, 2 * i) ? null : data.subarray(offsets[2 * i], middle);
    record.value = nulls.length && bit(nulls, 2 * i + 1) ? null : data.subarray(middle, offsets[2 * i + 2]);
    record.timestamp = timestamps[i];
    record.offset = readAt.offsets[i];
    record.row = i;
    out.row = i;
    try {
      operator.transform(record, out);
    } catch (error) {
      if (!isRejection(error)) throw error;
      out.withdraw();
      bad.push({ row: i, reason: reason(error) });
    }
  }
  return { rows: out.finish(timestamps), source: out.source, sinks: new Uint8Array(0), bad };
}

/** An accumulator. Bytes of another kind stop the application: two layouts share one state schema. */
function decode(operator, key, data) {
  try {
    return (operator.accumulator ?? bytes).decode(data);
  } catch (error) {
    if (!isRejection(error)) throw error;
    const name = Array.from(key, (byte) => String.fromCharCode(byte)).join('');
    throw new Fatal(`the accumulator of key "${name}" (${data.length} bytes) is not one of this operator's`);
  }
}

/** Folds the values of one key, and can take one back as if it had never been there. */
class Folding {
  constructor(operator, key, stored) {
    this.operator = operator;
    this.value = new Value(key);
    this.before = stored;
    this.accepted = [];
    this.accumulator = this.stored();
  }

  stored() {
    return this.before === null ? null : decode(this.operator, this.value.key, this.before);
  }

  encode() {
    const { accumulator, operator } = this;
    return accumulator === null || accumulator === undefined ? null : (operator.accumulator ?? bytes).encode(accumulator);
  }

  fold(data, timestamp) {
    this.value.data = data;
    this.value.timestamp = timestamp;
    this.accumulator = this.operator.fold(this.accumulator ?? null, this.value);
  }

  /** Folds a value; what refuses it is thrown, and the accumulator is as it was. */
  add(data, timestamp) {
    try {
      this.fold(data, timestamp);
      this.accepted.push([data, timestamp]);
    } catch (error) {
      if (isRejection(error)) this.restore();
      throw error;
    }
  }

  /** The refused value may have changed the accumulator in place. */
  restore() {
    const accepted = this.accepted;
    this.accepted = [];
    this.accumulator = this.stored();
    for (const [data, timestamp] of accepted) this.fold(data, timestamp);
    this.before = this.encode();
  }
}

/** `reducer.reduce`. */
export function reduce(operator, groups, every) {
  const out = new Column(groups.accumulators.data.length + 16 * groups.ends.length);
  const bad = [];
  let at = 0;
  for (let i = 0; i < groups.ends.length; i++) {
    const folding = new Folding(operator, stringAt(groups.keys, i), stringAt(groups.accumulators, i));
    for (; at < groups.ends[i]; at++) {
      try {
        folding.add(stringAt(groups.values, at), groups.timestamps[at]);
      } catch (error) {
        if (!isRejection(error)) throw error;
        bad.push({ row: at, reason: reason(error) });
      }
      if (every) out.push(folding.encode());
    }
    if (!every) out.push(folding.encode());
  }
  return { accumulators: out.finish(), bad };
}

/** `finisher.finish`. */
export function finish(operator, keys, accumulators) {
  const out = new Column(accumulators.data.length);
  for (let i = 0; i + 1 < accumulators.offsets.length; i++) {
    const [key, data] = [stringAt(keys, i), stringAt(accumulators, i)];
    out.push(data === null ? null : cell(operator.finish(key, decode(operator, key, data))));
  }
  return out.finish();
}

/** `merger.merge`. */
export function merge(operator, left, right) {
  const out = new Column(left.data.length);
  const nameless = new Uint8Array(0);
  for (let i = 0; i + 1 < left.offsets.length; i++) {
    const side = (column) => decode(operator, nameless, stringAt(column, i));
    const merged = operator.merge(side(left), side(right));
    out.push(merged === null || merged === undefined ? null : (operator.accumulator ?? bytes).encode(merged));
  }
  return out.finish();
}
