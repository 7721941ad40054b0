// Columns of figures over time. Time only rises, and where nothing was heard for a while there is a gap.

// The most seconds that are kept.
const SPAN_S_MAX = 600;
// Without figures for so long there is a gap.
const GAP_S = 5;

export class Timeline {
  times = [];
  columns = [];
  isInterrupted = false;

  // One column more; each push brings its value.
  column() {
    const column = [];
    this.columns.push(column);
    return column;
  }

  // Whatever comes next, there is a gap before it.
  interrupt() {
    this.isInterrupted = true;
  }

  push(time, values) {
    // A clock that was set back, or the same moment again: what would come behind it is forgotten.
    while (this.times.at(-1) >= time) this.#each((column) => column.pop());
    const last = this.times.at(-1);
    if (last !== undefined && (this.isInterrupted || time - last > GAP_S)) this.#add((last + time) / 2, []);
    this.isInterrupted = false;
    this.#add(time, values);
    while (this.times[0] < time - SPAN_S_MAX) this.#each((column) => column.shift());
  }

  #add(time, values) {
    this.times.push(time);
    this.columns.forEach((column, place) => column.push(values[place] ?? null));
  }

  #each(change) {
    change(this.times);
    this.columns.forEach(change);
  }
}
