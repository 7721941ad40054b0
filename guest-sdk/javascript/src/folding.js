// The accumulator of a key while its values are folded or processed.

import { stringAt } from './columns.js';
import { Fatal, isRejection, reason } from './errors.js';
import { bytes } from './kinds.js';
import { Value } from './record.js';

/** An accumulator. Bytes of another kind stop the application: two layouts share one state schema. */
export function decode(operator, key, data) {
  try {
    return (operator.accumulator ?? bytes).decode(data);
  } catch (error) {
    if (!isRejection(error)) throw error;
    const name = Array.from(key, (byte) => String.fromCharCode(byte)).join('');
    throw new Fatal(`the accumulator of key "${name}" (${data.length} bytes) is not one of this operator's`);
  }
}

/** The bytes of an accumulator; null when the key is deleted. */
export function encode(operator, accumulator) {
  if (accumulator === null || accumulator === undefined) return null;
  return (operator.accumulator ?? bytes).encode(accumulator);
}

/**
 * Folds the values of key `i`, and can take one back as if it had never been there. `fold` takes a value the first
 * time, `again` when a later one was refused.
 */
export class Folding {
  constructor(operator, groups, i, fold, again) {
    this.operator = operator;
    this.groups = groups;
    this.fold = fold;
    this.again = again;
    this.value = new Value(stringAt(groups.keys, i));
    this.before = stringAt(groups.accumulators, i);
    this.start = i ? groups.ends[i - 1] : 0;
    this.accumulator = this.stored();
  }

  stored() {
    return this.before === null ? null : decode(this.operator, this.value.key, this.before);
  }

  encode() {
    return encode(this.operator, this.accumulator);
  }

  call(fold, at) {
    this.value.data = stringAt(this.groups.values, at);
    this.value.timestamp = this.groups.timestamps[at];
    this.accumulator = fold(this.accumulator ?? null, this.value);
  }

  /** Folds value `at`; answers with what refused it, and then the accumulator is as it was. */
  add(at) {
    try {
      this.call(this.fold, at);
      return null;
    } catch (error) {
      if (!isRejection(error)) throw error;
      this.restore(at);
      return error;
    }
  }

  /** The refused value may have changed the accumulator in place. */
  restore(at) {
    this.accumulator = this.stored();
    try {
      for (let accepted = this.start; accepted < at; accepted++) this.call(this.again, accepted);
    } catch (error) {
      if (!isRejection(error)) throw error;
      throw new Fatal(`a value was first accepted and then refused: ${reason(error)}`);
    }
    this.before = this.encode();
    this.start = at + 1;
  }
}
