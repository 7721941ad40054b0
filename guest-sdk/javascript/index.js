// Write an operator for wasmhost in JavaScript: what happens to one record, or how a value is folded into the state of
// its key. The operator is a module `operator.js`; README.md has a first one, `testing.js` runs one without Wasm.

export { bytes, i64, i128, json, text } from './src/kinds.js';
export { Fatal, Reject, Retry } from './src/errors.js';
export { log } from './src/log.js';
export { fromText, toText } from './src/utf8.js';
