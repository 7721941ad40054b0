// The settings of the operator: `[settings]` in host.toml, `--set name=value`. What these throw stops the start with
// its text.

/** A Map of names to values. */
export class Settings extends Map {
  /** Refuses settings that are not in `names`, so that a misspelt one is not ignored. */
  expectOnly(...names) {
    for (const name of this.keys()) {
      if (names.includes(name)) continue;
      const there = names.length ? `are ${names.join(', ')}` : 'are none';
      throw new Error(`unknown setting \`${name}\`: there ${there}`);
    }
  }

  /** A setting that is a whole number. */
  number(name, otherwise) {
    const text = this.get(name);
    if (text === undefined) return otherwise;
    const number = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(number)) return number;
    throw new Error(`setting \`${name}\` has the value \`${text}\`: it is no whole number of 53 bits`);
  }

  /** A setting that is `true` or `false`. */
  flag(name, otherwise = false) {
    const text = this.get(name);
    if (text === undefined) return otherwise;
    if (text === 'true' || text === 'false') return text === 'true';
    throw new Error(`setting \`${name}\` has the value \`${text}\`: provided string was not \`true\` or \`false\``);
  }
}
