// Text and its bytes. The engine inside a module has neither TextEncoder nor TextDecoder.

import { Reject } from './errors.js';

/** The UTF-8 bytes of a text; half a surrogate pair becomes U+FFFD. */
export function fromText(text) {
  const out = new Uint8Array(3 * text.length);
  let size = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      out[size++] = code;
      continue;
    }
    if (code >= 0xd800 && code < 0xe000) {
      code = text.codePointAt(i);
      if (code > 0xffff) i++;
      else code = 0xfffd;
    }
    if (code < 0x800) {
      out[size++] = 0xc0 | (code >> 6);
    } else {
      if (code < 0x10000) {
        out[size++] = 0xe0 | (code >> 12);
      } else {
        out[size++] = 0xf0 | (code >> 18);
        out[size++] = 0x80 | ((code >> 12) & 0x3f);
      }
      out[size++] = 0x80 | ((code >> 6) & 0x3f);
    }
    out[size++] = 0x80 | (code & 0x3f);
  }
  return out.subarray(0, size);
}

// The smallest code point of a sequence with this many further bytes: a longer sequence than needed is refused.
const SMALLEST = [0, 0x80, 0x800, 0x10000];

/** The text of UTF-8 bytes; what is none is rejected with `complaint`. */
export function toText(bytes, complaint = 'the value is not UTF-8') {
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    const first = bytes[i];
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const more = first < 0xc0 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf8 ? 3 : 4;
    let code = first & (0x3f >> more);
    if (more > 3 || i + more >= bytes.length) throw new Reject(complaint);
    for (let k = 0; k < more; k++) {
      const next = bytes[++i];
      if ((next & 0xc0) !== 0x80) throw new Reject(complaint);
      code = (code << 6) | (next & 0x3f);
    }
    const isSurrogate = code >= 0xd800 && code < 0xe000;
    if (code < SMALLEST[more] || code > 0x10ffff || isSurrogate) throw new Reject(complaint);
    text += String.fromCodePoint(code);
  }
  return text;
}
