// The component around an operator: what `host build` makes a module of, with an entry that exports these for the
// interfaces that the operator has.

import { Fatal, isRejection, reason, Retry } from './src/errors.js';
import { log, sink } from './src/log.js';
import * as run from './src/run.js';

/** The interfaces of the contract around `operator`; `write` is the host's log. */
export function component(operator, write) {
  sink.write = write;
  let description = null;
  const call = (name) => (...parameters) => {
    try {
      return run[name](operator, ...parameters);
    } catch (error) {
      if (error instanceof Retry) throw { tag: 'retry', val: reason(error) };
      if (error instanceof Fatal || isRejection(error)) throw { tag: 'fatal', val: reason(error) };
      log.error(`${error?.name}: ${reason(error)}\n${error?.stack}`);
      throw error;
    }
  };
  return {
    module: {
      configure(settings) {
        description = run.configure(operator, settings);
      },
      describe: () => description,
    },
    transformer: { transform: call('transform') },
    reducer: { reduce: call('reduce') },
    finisher: { finish: call('finish') },
    merger: { merge: call('merge') },
    processor: { process: call('process') },
  };
}
