// The SDK over operators of the tests, without Wasm: `npm test` in guest-sdk/javascript.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { component } from '../component.js';
import { Fatal, fromText, i64, i128, json, Reject, Retry, toText } from '../index.js';
import { column, Runner } from '../testing.js';

const description = { name: 'test' };
const texts = (rows) => rows.map(({ value }) => value && toText(value));

test('rows have the timestamp of their record or their own', () => {
  const transform = (record, out) => {
    out.emit('k', record.value);
    out.emit(null, 5, { timestamp: 7, headers: [['h', null], ['h', 'x']] });
  };
  const [first, second] = new Runner({ description, transform }).transform([{ value: 'v', timestamp: 3 }]);
  assert.deepEqual([toText(first.key), first.timestamp, first.headers], ['k', 3, []]);
  assert.deepEqual([second.key, toText(second.value), second.timestamp], [null, '5', 7]);
  assert.deepEqual(second.headers, [['h', null], ['h', fromText('x')]]);
});

test('a refused record takes its rows back', () => {
  const transform = (record, out) => {
    out.emit(null, record.value, { headers: [['h', '1']] });
    out.emit('n', BigInt(record.text()));
  };
  const runner = new Runner({ description, transform });
  assert.deepEqual(texts(runner.transform(['1', 'x', null, '2'])), ['1', '1', '2', '2']);
  assert.deepEqual(runner.rejected.map(({ offset }) => offset), [1, 2]);
  assert.equal(runner.rejected[1].reason, 'the value is null');
});

test('records are forwarded as they are', () => {
  const record = { key: '', value: null, timestamp: 9, headers: [['a', fromText('1')], ['b', null]] };
  const runner = new Runner({ description, transform: (record, out) => out.forward(record) }, { batch: 1 });
  const [row] = runner.transform([record, 'x']);
  assert.deepEqual(row, { ...record, key: new Uint8Array(0) });
});

test('a refused value leaves the accumulator as it was', () => {
  const fold = (items, value) => {
    const all = items ?? [];
    all.push(value.text());
    if (value.text() === 'bad') throw new Reject('bad');
    return all;
  };
  for (const batch of [1, 2, 100]) {
    const runner = new Runner({ description, fold, accumulator: json }, { batch });
    runner.reduce(['a', 'bad', 'b', 'bad', 'c'].map((value) => ({ key: 'k', value })));
    assert.equal(toText(runner.state.get('k')), '["a","b","c"]');
    assert.equal(runner.rejected.length, 2);
  }
});

// Numbers the values of a key and writes each with its number; refuses some after it has written and counted.
const numbered = {
  description,
  accumulator: json,
  process(counts, value, out) {
    const now = counts ?? [0];
    now[0]++;
    const text = value.text();
    if (text === 'late') out.emit(value.key, now[0], { timestamp: value.timestamp + 1000, headers: [['late', null]] });
    else out.emit(value.key, now[0]);
    if (text === 'twice') out.emit('all', text);
    if (text === 'bad') throw new Reject('bad');
    return text === 'delete' ? null : now;
  },
};

test('a process makes rows and state, and takes back what it refuses', () => {
  const values = ['bad', 'twice', 'bad', 'late'].map((value) => ({ key: 'k', value, timestamp: 5 }));
  for (const batch of [1, 2, 100]) {
    const runner = new Runner(numbered, { batch });
    runner.state.set('k', fromText('[2]'));
    const rows = runner.process([...values, { key: 'k', value: null }]);
    assert.deepEqual(texts(rows), ['3', 'twice', '4']);
    assert.deepEqual(rows.map(({ key }) => toText(key)), ['k', 'all', 'k']);
    assert.deepEqual(rows.map(({ timestamp }) => timestamp), [5, 5, 1005]);
    assert.deepEqual(rows.map(({ headers }) => headers), [[], [], [['late', null]]]);
    assert.equal(toText(runner.state.get('k')), '[4]');
    assert.deepEqual(runner.rejected.map(({ reason }) => reason), ['bad', 'bad']);
    assert.deepEqual(texts(runner.process([{ key: 'k', value: 'delete' }])), ['5']);
    assert.equal(runner.state.size, 0);
  }
});

test('null deletes the key and makes a tombstone', () => {
  const fold = (_, value) => (value.data.length ? value.data : null);
  const runner = new Runner({ description, fold, finish: (key, value) => value });
  runner.reduce([{ key: 'k', value: 'x' }, { key: 'k', value: '' }]);
  assert.deepEqual([runner.state.size, runner.finish()], [0, new Map([['k', null]])]);
});

test('failures are those of the contract', () => {
  const groups = (accumulator) => ({
    keys: column(['k']), accumulators: column([accumulator]), ends: [1], values: column(['x']), timestamps: [0],
  });
  const logged = [];
  const failing = (error) => {
    const fold = () => { throw error; };
    return component({ description, fold, accumulator: i64 }, (level, text) => logged.push(level)).reducer;
  };
  assert.throws(() => failing(new Retry('later')).reduce(groups(null), false), { tag: 'retry', val: 'later' });
  assert.throws(() => failing(new Fatal('stop')).reduce(groups(null), false), { tag: 'fatal', val: 'stop' });
  assert.throws(() => failing(new TypeError('a bug')).reduce(groups(null), false), TypeError);
  assert.deepEqual(logged, ['error']);
  const unreadable = { tag: 'fatal', val: 'the accumulator of key "k" (5 bytes) is not one of this operator\'s' };
  assert.throws(() => failing(null).reduce(groups('short'), false), unreadable);
});

test('settings that there are none of stop the start', () => {
  assert.throws(() => new Runner({ description }, { settings: { x: '1' } }), /unknown setting `x`: there are none/);
  const configure = (settings) => ({ name: String(settings.number('x', 7)) });
  assert.equal(new Runner({ description, configure }).description.name, '7');
  assert.throws(() => new Runner({ description, configure }, { settings: { x: '1.5' } }), /no whole number/);
});

test('text and its bytes are those of the standard', () => {
  for (const text of ['', 'a', 'Straße', '日本', '😀 a', '\ud800']) {
    assert.deepEqual(fromText(text), new TextEncoder().encode(text));
    assert.equal(toText(new TextEncoder().encode(text)), text.toWellFormed?.() ?? text.replace(/\ud800/, '\ufffd'));
  }
  for (const bytes of [[0xff], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xc3]]) {
    assert.throws(() => toText(new Uint8Array(bytes)), /not UTF-8/, String(bytes));
  }
});

test('numbers keep their bytes, wrap, or are refused outside their range', () => {
  for (const number of [0n, -1n, 1n << 100n, -(1n << 127n)]) assert.equal(i128.decode(i128.encode(number)), number);
  assert.equal(i64.wrap(1n << 63n), -(1n << 63n));
  assert.throws(() => i64.encode(1n << 63n), /does not fit 64 bits/);
});

test('the example gives its sums however it is cut', async () => {
  const example = new URL('../../../examples/sum/', import.meta.url);
  const sum = await import(new URL('javascript/operator.js', example));
  const lines = readFileSync(new URL('input.txt', example), 'utf8').split('\n').slice(0, -1);
  const byBytes = (a, b) => Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0]));
  for (const batch of [1, 7, 1000]) {
    const runner = new Runner(sum, { batch });
    runner.run(lines);
    const found = [...runner.finish()].sort(byBytes).map(([key, value]) => `${key}\t${value}\n`).join('');
    assert.equal(found, readFileSync(new URL('expected.txt', example), 'utf8'));
    assert.equal(runner.rejected.length, 12);
    assert.deepEqual(runner.merge(i128.encode(2n), i128.encode(-5n)), i128.encode(-3n));
  }
});

test('the sessions are those of the example however they are cut', async () => {
  const example = new URL('../../../examples/sessions/', import.meta.url);
  const sessions = await import(new URL('javascript/operator.js', example));
  const records = (file) => readFileSync(new URL(file, example), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const sorted = (lines) => lines.map((line) => JSON.stringify(line)).sort();
  const expected = records('expected.jsonl');
  for (const batch of [1, 3, 1000]) {
    const runner = new Runner(sessions, { settings: { gap_ms: '60000' }, batch });
    const found = runner.process(records('input.jsonl')).map(({ key, value, timestamp, headers: [[name, how]] }) => (
      { key: toText(key), value: JSON.parse(toText(value)), timestamp, headers: { [name]: toText(how) } }
    ));
    assert.deepEqual(sorted(found), sorted(expected));
    assert.equal(runner.rejected.length, 1);
  }
});
