// Drives an operator over columns: the calls of the contract, over one record or value at a time.

import { bit, Column, cell, stringAt } from './columns.js';
import { isRejection, reason } from './errors.js';
import { decode, encode, Folding } from './folding.js';
import { Output } from './output.js';
import { Record } from './record.js';
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

/** `reducer.reduce`. */
export function reduce(operator, groups, every) {
  const out = new Column(groups.accumulators.data.length + 16 * groups.ends.length);
  const fold = (accumulator, value) => operator.fold(accumulator, value);
  const bad = [];
  let at = 0;
  for (let i = 0; i < groups.ends.length; i++) {
    const folding = new Folding(operator, groups, i, fold, fold);
    for (; at < groups.ends[i]; at++) {
      const refused = folding.add(at);
      if (refused) bad.push({ row: at, reason: reason(refused) });
      if (every) out.push(folding.encode());
    }
    if (!every) out.push(folding.encode());
  }
  return { accumulators: out.finish(), bad };
}

/** `processor.process`. */
export function process(operator, groups) {
  const out = new Output(groups.values.data.length);
  const accumulators = new Column(groups.accumulators.data.length + 16 * groups.ends.length);
  const into = (output) => (accumulator, value) => operator.process(accumulator, value, output);
  // What is processed again has its rows already.
  const [fold, again] = [into(out), into(new Output(0))];
  const bad = [];
  let at = 0;
  for (let i = 0; i < groups.ends.length; i++) {
    const folding = new Folding(operator, groups, i, fold, again);
    for (; at < groups.ends[i]; at++) {
      out.row = at;
      const refused = folding.add(at);
      if (!refused) continue;
      out.withdraw();
      bad.push({ row: at, reason: reason(refused) });
    }
    accumulators.push(folding.encode());
  }
  return { accumulators: accumulators.finish(), rows: out.finish(groups.timestamps), source: out.source, bad };
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
    out.push(encode(operator, merged));
  }
  return out.finish();
}
