// Faults: what the module did wrong, where, with the way it came there.

import { byId, el, setText } from "./dom.js";
import { clock, count } from "./format.js";

const shown = new Map();

function coordinates({ source, offsets }) {
  const [first, last] = offsets ?? [];
  if (first === undefined) return source;
  return first === last ? `${source}, offset ${first}` : `${source}, offsets ${first} to ${last}`;
}

function item(fault) {
  const version = fault.number === null || fault.number === undefined ? "" : `, version ${fault.number}`;
  const summary = el("summary", null,
    el("span", { class: "when" }, clock(fault.at_ms)), " ", el("span", { class: "badge", "data-tone": "bad" }, fault.kind), " ",
    el("span", { class: "where" }, `${coordinates(fault)}${version}`), " ",
    el("span", { class: "quiet" }, (fault.reason ?? "").split("\n", 1)[0]));
  const trace = fault.backtrace ? el("pre", { tabindex: 0, role: "group", "aria-label": "Backtrace" }, fault.backtrace) : null;
  const rest = (fault.reason ?? "").includes("\n") ? el("p", { class: "reason" }, fault.reason) : null;
  return el("li", null, el("details", null, summary, rest, trace));
}

// The newest first; what somebody has opened stays open.
export function showFaults({ faults, totals }) {
  const list = byId("faults");
  const keys = (faults ?? []).map((fault) => JSON.stringify([fault.at_ms, fault.kind, fault.source, fault.offsets, fault.reason]));
  for (const [key, node] of shown) {
    if (!keys.includes(key)) {
      node.remove();
      shown.delete(key);
    }
  }
  keys.forEach((key, place) => {
    if (shown.has(key)) return;
    shown.set(key, item(faults[place]));
    list.prepend(shown.get(key));
  });
  const all = Object.values(totals?.module_faults ?? {}).reduce((sum, number) => sum + number, 0);
  const hidden = all - keys.length;
  setText(byId("faults-note"), all === 0 ? "none" : hidden > 0 ? `the last ${keys.length} of ${count(all)}` : count(all));
}
