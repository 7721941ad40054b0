// The report of a shadow run.

import { el, setPairs, setRows, setShown } from "./dom.js";
import { count, micros } from "./format.js";

const COLUMNS = ["Interface", "At", "Current", "Candidate"];

function differences(found) {
  const body = el("tbody");
  setRows(body, found.map(({ interface: name, at, current, candidate }) => [
    name, { text: at, className: "name" }, { text: current, className: "name" }, { text: candidate, className: "name" },
  ]));
  const head = el("tr", null, ...COLUMNS.map((text) => el("th", { scope: "col" }, text)));
  return el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Answers that differ" },
    el("table", null, el("caption", { class: "hidden" }, "The first answers that differ"), el("thead", null, head), body));
}

export function showReport(place, report) {
  const { records, equal, different, failed, current_us: current, candidate_us: candidate } = report;
  const cost = current > 0 ? `${count(candidate / current)} times the current one` : "";
  const pairs = el("dl", { class: "totals" });
  setPairs(pairs, [
    ["Records", report.is_complete ? count(records) : `${count(records)}, not all that were asked for`],
    ["Answers that are the same", count(equal)], ["that differ", count(different)], ["that failed", count(failed)],
    ["CPU time of the current module", micros(current)], ["of the candidate", micros(candidate), cost],
  ]);
  const dropped = report.dropped ? el("p", { class: "notice", "data-tone": "warn" }, `Dropped before the end: ${report.dropped}`) : null;
  const table = (report.differences ?? []).length > 0 ? differences(report.differences) : null;
  place.replaceChildren(el("h3", null, "Shadow run"), ...[dropped, pairs, table].filter((part) => part));
  setShown(place, true);
}
