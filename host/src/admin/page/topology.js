// The topology with live rates, drawn as one picture, with the same as a table for those who do not see it.

import { byId, el, setRows, setText, svg } from "./dom.js";
import { count } from "./format.js";

const WIDTH = 136;
const HEIGHT = 42;
// Between two layers, and between two nodes of a layer.
const GAP = { along: 76, across: 18 };
// Below this width of the card it is drawn from top to bottom.
const NARROW_PX = 680;
const CHARS_A_LINE = 19;
// Where on its curve a label stands, of 1.
const LABEL_AT = 0.62;

let drawn = "";
let rates = [];
let table = null;
let isNarrow = false;

// How many edges lead to each node at most: its layer.
function layersOf(nodes, edges) {
  const depth = new Map(nodes.map(({ id }) => [id, 0]));
  for (let round = 0; round < nodes.length; round += 1) {
    for (const { from, to } of edges) {
      const next = (depth.get(from) ?? 0) + 1;
      // A cycle would go on for ever.
      if (depth.has(to) && next > depth.get(to) && next < nodes.length) depth.set(to, next);
    }
  }
  const layers = [];
  for (const node of nodes) (layers[depth.get(node.id)] ??= []).push(node);
  return layers.filter((layer) => layer);
}

function places(layers) {
  const found = new Map();
  layers.forEach((layer, along) => layer.forEach((node, across) => {
    const [x, y] = isNarrow
      ? [across * (WIDTH + GAP.across), along * (HEIGHT + 44)]
      : [along * (WIDTH + GAP.along), across * (HEIGHT + GAP.across)];
    found.set(node.id, { x, y });
  }));
  return found;
}

// Two lines, broken at a hyphen near the middle.
function lines(name) {
  if (name.length <= CHARS_A_LINE) return [name];
  const breaks = [...name].flatMap((char, at) => ("-._".includes(char) ? [at + 1] : []));
  const middle = name.length / 2;
  const at = breaks.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0] ?? CHARS_A_LINE;
  const cut = (text) => (text.length > CHARS_A_LINE ? `${text.slice(0, CHARS_A_LINE - 1)}…` : text);
  return [cut(name.slice(0, at)), cut(name.slice(at))];
}

function drawNode({ kind, name }, { x, y }) {
  const [middle, text] = [x + WIDTH / 2, lines(name)];
  const spans = text.map((line, place) =>
    svg("tspan", { x: middle, y: y + HEIGHT / 2 + (place - (text.length - 1) / 2) * 14 }, line));
  const radius = kind === "operator" ? 6 : HEIGHT / 2;
  return svg("g", { class: `node ${kind === "operator" ? "operator" : "topic"}` },
    svg("title", null, `${kind} ${name}`),
    svg("rect", { x, y, width: WIDTH, height: HEIGHT, rx: radius }),
    svg("text", { "text-anchor": "middle", "dominant-baseline": "central" }, ...spans));
}

// A curve from one node to the next layer; to a later one it goes around what lies between.
function curve(from, to, isLong) {
  const [right, below] = [from.x + WIDTH, from.y + HEIGHT];
  if (isNarrow) {
    const [x1, x2, y2] = [from.x + WIDTH / 2, to.x + WIDTH / 2, to.y - 3];
    if (isLong && to.x > from.x) return [right, from.y + HEIGHT / 2, x2, from.y + HEIGHT / 2, x2, from.y + HEIGHT * 2, x2, y2];
    return [x1, below, x1, (below + y2) / 2, x2, (below + y2) / 2, x2, y2];
  }
  const [x2, y1, y2] = [to.x - 3, from.y + HEIGHT / 2, to.y + HEIGHT / 2];
  const x1 = from.x + WIDTH / 2;
  if (isLong && to.y > from.y) return [x1, below, x1, y2, x1 + WIDTH, y2, x2, y2];
  return [right, y1, (right + x2) / 2, y1, (right + x2) / 2, y2, x2, y2];
}

// Most of the way along a curve: there the labels of curves that leave one node are apart.
function labelAt([x1, y1, x2, y2, x3, y3, x4, y4]) {
  const t = LABEL_AT;
  const weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t ** 2 * (1 - t), t ** 3];
  const mix = (values) => values.reduce((sum, value, place) => sum + value * weights[place], 0);
  return [mix([x1, x2, x3, x4]), mix([y1, y2, y3, y4])];
}

function drawEdge(from, to, isLong) {
  const points = curve(from, to, isLong);
  const [x, y] = labelAt(points);
  const [x1, y1, ...rest] = points;
  const label = svg("text", { class: "rate", x: isNarrow ? x + 5 : x, y: isNarrow ? y + 4 : y - 6, "text-anchor": isNarrow ? "start" : "middle" });
  return { line: svg("path", { class: "edge", d: `M${x1} ${y1}C${rest.join(" ")}`, "marker-end": "url(#arrow)" }), label };
}

function build({ nodes, edges }) {
  const place = byId("topology");
  const layers = layersOf(nodes, edges);
  const at = places(layers);
  const layer = new Map(layers.flatMap((layer, depth) => layer.map(({ id }) => [id, depth])));
  const isLong = ({ from, to }) => layer.get(to) - layer.get(from) > 1;
  const parts = edges.filter(({ from, to }) => at.has(from) && at.has(to)).map((edge) => ({ edge, ...drawEdge(at.get(edge.from), at.get(edge.to), isLong(edge)) }));
  rates = parts.map(({ label }) => label);
  const right = Math.max(...[...at.values()].map(({ x }) => x)) + WIDTH;
  const bottom = Math.max(...[...at.values()].map(({ y }) => y)) + HEIGHT;
  const arrow = svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
    svg("path", { d: "M0 0L8 4L0 8z" }));
  const picture = svg("svg", { viewBox: `-2 -10 ${right + 4} ${bottom + 16}`, "aria-hidden": "true", width: right + 4 },
    svg("defs", null, arrow), ...parts.map(({ line }) => line), ...nodes.map((node) => drawNode(node, at.get(node.id))), ...rates);
  table = el("tbody");
  const head = el("tr", null, ...["From", "To", "Records a second"].map((text) => el("th", { scope: "col" }, text)));
  const text = el("table", null, el("caption", null, "Topology: what reads what"), el("thead", null, head), table);
  place.replaceChildren(picture, el("div", { class: "hidden" }, text));
}

export function showTopology({ topology }) {
  const { nodes = [], edges = [] } = topology ?? {};
  if (nodes.length === 0) return;
  isNarrow = byId("topology").clientWidth < NARROW_PX;
  const shape = JSON.stringify([isNarrow, nodes, edges.map(({ from, to }) => [from, to])]);
  if (shape !== drawn) build({ nodes, edges });
  drawn = shape;
  edges.forEach(({ records_per_s: rate }, place) => {
    if (rates[place]) setText(rates[place], typeof rate === "number" ? count(rate) : "");
  });
  const names = new Map(nodes.map(({ id, name }) => [id, name]));
  setRows(table, edges.map(({ from, to, records_per_s: rate }) => [names.get(from) ?? from, names.get(to) ?? to, count(rate)]));
}
