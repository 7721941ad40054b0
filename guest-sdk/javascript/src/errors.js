// How an operator says no: to one record, or to the whole call.

/**
 * Refuses this record (or value) with a reason; the rest of the batch goes on. By default the host writes the record to
 * the dead-letter topic. A SyntaxError or a RangeError, as `JSON.parse(text)` and `BigInt(text)` throw them, does the
 * same: data that cannot be read is the record's fault. Anything else that is thrown ends the instance.
 */
export class Reject extends Error {}

/** Asks for the same batch again, on a fresh instance, a bounded number of times. */
export class Retry extends Error {}

/** Stops the application with this message; nothing of the batch is committed. */
export class Fatal extends Error {}

/** True for what refuses a record. */
export function isRejection(error) {
  return error instanceof Reject || error instanceof SyntaxError || error instanceof RangeError;
}

/** The words of what was thrown. */
export function reason(error) {
  return error instanceof Error ? error.message || error.name : String(error);
}
