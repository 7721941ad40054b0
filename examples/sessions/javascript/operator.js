// Puts the events of a key together that are near each other in time. See ../README.md.

import { Reject } from '../../../guest-sdk/javascript/index.js';

export const description = { name: 'sessions', stateSchema: 'session:first,last,events:i64-le' };

let gapMs;

export function configure(settings) {
  settings.expectOnly('gap_ms');
  gapMs = settings.number('gap_ms', 30 * 60 * 1000);
  if (gapMs < 1) throw new Error('setting `gap_ms` may be 1 and more');
}

// Three numbers of 64 bits; both sides of them are little endian.
export const accumulator = {
  encode: ({ firstMs, lastMs, events }) => new Uint8Array(BigInt64Array.of(...[firstMs, lastMs, events].map(BigInt)).buffer),
  decode(data) {
    if (data.length !== 24) throw new Reject('a session has 24 bytes');
    const [firstMs, lastMs, events] = Array.from(new BigInt64Array(data.slice().buffer), Number);
    return { firstMs, lastMs, events };
  },
};

const sessionAt = (timeMs) => ({ firstMs: timeMs, lastMs: timeMs, events: 0 });

function write({ firstMs, lastMs, events }, key, endedBy, out) {
  const row = JSON.stringify({ events, first_ms: firstMs, last_ms: lastMs });
  out.emit(key, row, { timestamp: lastMs, headers: [['ended-by', endedBy]] });
}

export function process(open, event, out) {
  const timeMs = event.timestamp;
  let session = open ?? sessionAt(timeMs);
  const earlyMs = session.firstMs - timeMs;
  if (earlyMs > gapMs) throw new Reject(`the event is ${earlyMs} ms before its session`);
  if (timeMs - session.lastMs > gapMs) {
    write(session, event.key, 'gap', out);
    session = sessionAt(timeMs);
  }
  session = {
    firstMs: Math.min(session.firstMs, timeMs),
    lastMs: Math.max(session.lastMs, timeMs),
    events: session.events + 1,
  };
  if (!isEnd(event.data)) return session;
  write(session, event.key, 'end', out);
  return null;
}

// What is no text is not `end` either.
function isEnd(data) {
  return data.length === 3 && String.fromCharCode(...data) === 'end';
}
