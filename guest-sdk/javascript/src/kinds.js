// How accumulators become bytes, which the host keeps, and how values do.
//
// `decode(encode(a))` must be `a`, and equal accumulators must have equal bytes. Whoever changes the bytes changes
// `stateSchema` too. `decode` throws a RangeError (or a Reject) for bytes of another kind.

import { Reject } from './errors.js';
import { fromText, toText } from './utf8.js';

/** Whole numbers of 64 * `words` bits as BigInt, little endian. */
function integer(words) {
  const [size, bits] = [8 * words, 64 * words];
  const least = -(1n << BigInt(bits - 1));
  return {
    encode(number) {
      if (number < least || number >= -least) throw new Reject(`the number does not fit ${bits} bits`);
      const out = new Uint8Array(size);
      const view = new DataView(out.buffer);
      for (let word = 0; word < words; word++) {
        view.setBigInt64(8 * word, BigInt.asIntN(64, number), true);
        number >>= 64n;
      }
      return out;
    },
    decode(data) {
      if (data.length !== size) {
        throw new Reject(`the value has ${data.length} bytes where ${size} are expected`);
      }
      const view = new DataView(data.buffer, data.byteOffset, size);
      let number = view.getBigInt64(size - 8, true);
      for (let word = words - 2; word >= 0; word--) number = (number << 64n) | view.getBigUint64(8 * word, true);
      return number;
    },
    /** The number that is left when higher bits are cut off. */
    wrap: (number) => BigInt.asIntN(bits, number),
  };
}

/** BigInt numbers of 64 bits. */
export const i64 = integer(1);
/** BigInt numbers of 128 bits. */
export const i128 = integer(2);
/** Bytes as they are. */
export const bytes = { encode: (value) => value, decode: (data) => data };
/** Text as UTF-8. */
export const text = { encode: fromText, decode: (data) => toText(data) };

/** A value with the fields of all its objects in order, so that equal ones have equal bytes. */
function ordered(value) {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, ordered(value[name])]));
}

/** JSON. */
export const json = {
  encode: (value) => fromText(JSON.stringify(ordered(value))),
  decode: (data) => JSON.parse(toText(data)),
};
