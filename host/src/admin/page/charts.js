// Charts over time, with a mark at each swap. Drawn by uPlot; the legend and the description are text.

import { el, setText } from "./dom.js";
import { clock } from "./format.js";
import { Timeline } from "./timeline.js";

// The least seconds that a chart shows.
const SPAN_S_MIN = 60;
const HEIGHT_PX = 150;
// How often the description for screen readers changes.
const DESCRIBE_EVERY = 10;
// Two marks nearer than this have one label.
const LABEL_PX = 26;

export const timeline = new Timeline();
const charts = [];
let marks = [];
const colors = new Map();

// A colour of the style sheet, light or dark.
function color(name) {
  if (!colors.has(name)) colors.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return colors.get(name);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  colors.clear();
  for (const chart of charts) chart.plot.redraw();
});

const observer = new ResizeObserver((entries) => {
  for (const entry of entries) {
    const chart = charts.find((found) => found.place === entry.target);
    chart.plot.setSize({ width: Math.floor(entry.contentRect.width), height: HEIGHT_PX });
  }
});

class TimeChart {
  // `series`: label and colour of each line, or `isTextOnly`; `read` takes their values from a snapshot.
  constructor(card, { title, series, read, format, tick, incrs, isStacked = false }) {
    Object.assign(this, { title, series, read, format, tickFormat: tick ?? format, incrs, isStacked });
    this.columns = series.map(() => timeline.column());
    this.drawn = this.columns.filter((_, place) => !series[place].isTextOnly);
    this.updates = 0;
    this.values = series.map(() => el("b", null, "–"));
    const legend = series.map(({ label, color: name }, place) => {
      const swatch = el("i", { "aria-hidden": "true" });
      swatch.style.background = `var(${name})`;
      return el("li", null, swatch, `${label} `, this.values[place]);
    });
    this.place = el("div", { class: "plot", role: "img", "aria-label": title });
    card.append(el("h3", null, title), el("ul", { class: "legend" }, ...legend), this.place);
    this.plot = new uPlot(this.options(), this.shown(), this.place);
    charts.push(this);
    observer.observe(this.place);
  }

  options() {
    const axis = { stroke: () => color("--quiet"), grid: { stroke: () => color("--line"), width: 1 }, ticks: { show: false },
      font: "11px system-ui, sans-serif" };
    const line = ({ color: name }) => ({
      stroke: () => color(name),
      fill: () => (this.isStacked ? color(name) : `${color(name)}1f`),
      width: this.isStacked ? 0 : 1.75,
      points: { show: false },
    });
    const lines = this.series.filter(({ isTextOnly }) => !isTextOnly).map(line);
    return {
      width: 300,
      height: HEIGHT_PX,
      padding: [14, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { show: !this.isStacked, size: 6 }, sync: { key: "time" } },
      scales: {
        x: { time: true, range: (_, first, last) => [Math.min(first, last - SPAN_S_MIN), last] },
        y: { range: (_, least, most) => [0, this.isStacked ? Math.min(Math.max(most * 1.15, 0.05), 1) : Math.max(most * 1.15, 1)] },
      },
      axes: [
        { ...axis, size: 24, space: 70, grid: { show: false }, values: (_, ticks) => ticks.map((time) => clock(time * 1000)) },
        { ...axis, ...(this.incrs ? { incrs: this.incrs } : {}), size: 58, space: 32, values: (_, ticks) => ticks.map((value) => this.tickFormat(value)) },
      ],
      series: [{}, ...(this.isStacked ? lines.reverse() : lines)],
      hooks: { draw: [drawMarks], setCursor: [(plot) => this.showValues(plot.cursor.idx)] },
    };
  }

  // What uPlot draws: of a stack the sums, the largest first, so that the lower ones lie above it.
  shown() {
    const { times } = timeline;
    if (!this.isStacked) return [times, ...this.drawn];
    const sums = this.drawn.map(() => []);
    times.forEach((_, at) => {
      let sum = 0;
      this.drawn.forEach((column, place) => {
        sum += column[at] ?? 0;
        sums[place].push(column[at] === null ? null : sum);
      });
    });
    return [times, ...sums.reverse()];
  }

  // One for each column.
  valuesOf(snapshot) {
    const values = this.read(snapshot);
    return this.series.map((_, place) => values[place]);
  }

  draw() {
    this.plot.setData(this.shown());
    this.showValues(this.plot.cursor.left >= 0 ? this.plot.cursor.idx : null);
    if (this.updates % DESCRIBE_EVERY === 0 || this.described !== marks.length) this.place.setAttribute("aria-label", this.describe());
    this.described = marks.length;
    this.updates += 1;
  }

  showValues(at) {
    const place = at ?? timeline.times.length - 1;
    this.values.forEach((value, line) => setText(value, this.format(this.columns[line][place])));
  }

  describe() {
    const lines = this.series.map(({ label }, line) => {
      const known = this.columns[line].filter((value) => value !== null);
      if (known.length === 0) return `${label}: not known`;
      const [least, most] = [Math.min(...known), Math.max(...known)];
      return `${label}: now ${this.format(known.at(-1))}, between ${this.format(least)} and ${this.format(most)}`;
    });
    const swaps = marks.filter((mark) => mark.time >= (timeline.times[0] ?? 0)).length;
    return `${this.title}, chart. ${lines.join(". ")}. ${swaps} ${swaps === 1 ? "swap" : "swaps"} in this time.`;
  }
}

function drawMarks(plot) {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.font = `600 ${10 * scale}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.strokeStyle = ctx.fillStyle = color("--mark");
  ctx.lineWidth = 1.5 * scale;
  ctx.setLineDash([3 * scale, 3 * scale]);
  let labelled = -Infinity;
  for (const mark of marks) {
    const x = Math.round(plot.valToPos(mark.time, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    if (x - labelled < LABEL_PX * scale) continue;
    ctx.fillText(mark.label, Math.min(x, bbox.left + bbox.width - 6 * scale), bbox.top - 4 * scale);
    labelled = x;
  }
  ctx.restore();
}

export const timeChart = (card, options) => new TimeChart(card, options);

// Adds a snapshot to all charts.
export function push(time, snapshot) {
  timeline.push(time, charts.flatMap((chart) => chart.valuesOf(snapshot)));
}

// Draws all charts with these marks: time in seconds, label.
export function draw(newMarks) {
  marks = newMarks;
  for (const chart of charts) chart.draw();
}
