// Growing byte areas, null bits, and columns of byte strings: the shapes of the contract.

import { fromText } from './utf8.js';

/** Bytes that grow. */
export class Bytes {
  constructor(room) {
    this.area = new Uint8Array(room + 64);
    this.size = 0;
  }

  push(bytes) {
    const end = this.size + bytes.length;
    if (end > this.area.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.area.length));
      larger.set(this.area.subarray(0, this.size));
      this.area = larger;
    }
    this.area.set(bytes, this.size);
    this.size = end;
  }

  written() {
    return this.area.subarray(0, this.size);
  }
}

/** The bytes of what an operator may give for a key or a value: bytes, null, or anything else as its text. */
export function cell(value) {
  if (value === null || value === undefined) return null;
  return value instanceof Uint8Array ? value : fromText(String(value));
}

/** True if bit `i` is set; missing bits are clear. */
export function bit(bits, i) {
  return ((bits[i >> 3] ?? 0) >> (i & 7)) & 1;
}

/** Bits of `count` cells of which these are set: none at all when none is. */
export function bits(indices, count) {
  const area = new Uint8Array(indices.length ? (count + 7) >> 3 : 0);
  for (const i of indices) area[i >> 3] |= 1 << (i & 7);
  return area;
}

/** String `i` of a column, or null. */
export function stringAt(column, i) {
  if (column.nulls.length && bit(column.nulls, i)) return null;
  return column.data.subarray(column.offsets[i], column.offsets[i + 1]);
}

/** A column of byte strings being written. */
export class Column {
  constructor(room) {
    this.data = new Bytes(room);
    this.offsets = [0];
    this.nulls = [];
  }

  push(bytes) {
    if (bytes === null) this.nulls.push(this.offsets.length - 1);
    else this.data.push(bytes);
    this.offsets.push(this.data.size);
  }

  finish() {
    const nulls = bits(this.nulls, this.offsets.length - 1);
    return { data: this.data.written(), offsets: this.offsets, nulls };
  }
}
