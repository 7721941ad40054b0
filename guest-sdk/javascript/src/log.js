// Lines in the host's log. The host cuts a line at 1,024 bytes and drops more than 64 a second.

/** Where lines go: the standard error stream in tests; the component puts the host's own here. */
export const sink = { write: (level, text) => console.error(`${level}: ${text}`) };

/** `debug` for whoever works on the operator, `info` for rare changes, `warn` for what is odd but handled, `error`
 * when data or progress is lost. */
export const log = {
  debug: (text) => sink.write('debug', String(text)),
  info: (text) => sink.write('info', String(text)),
  warn: (text) => sink.write('warn', String(text)),
  error: (text) => sink.write('error', String(text)),
};
