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
    el("span", { class: "where" }, `${coordinates(fault)}${version}`));
  const trace = fault.backtrace ? el("pre", { tabindex: 0, role: "region", "aria-label": "Backtrace" }, fault.backtrace) : null;
  return el("li", null, el("details", null, summary, el("p", { class: "reason" }, fault.reason ?? ""), trace));
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
