// Everything on the page that shows a snapshot and changes nothing.

import { byId, el, setPairs, setRows, setShown, setText } from "./dom.js";
import { bytes, clock, count, duration, micros, moment, percent, tick } from "./format.js";
import { timeChart } from "./charts.js";

// Steps of an axis of bytes.
const POWERS = Array.from({ length: 45 }, (_, power) => 2 ** power);
// Partitions in the table.
const PARTITIONS_MAX = 24;

const sum = (numbers) => numbers.reduce((total, number) => total + (number ?? 0), 0);
const lagOf = (snapshot) => sum((snapshot.lag ?? []).map((partition) => partition.records));
const current = (snapshot) => (snapshot.modules ?? []).find((module) => module.state === "current");

export const TIME = ["poll", "wasm", "state", "produce", "commit", "restore", "other"];

export function makeCharts() {
  const line = (label, color) => ({ label, color: `--${color}` });
  timeChart(byId("chart-rates"), {
    title: "Records a second", format: count, tick,
    series: [line("in", "blue"), line("out", "orange")],
    read: ({ rates }) => [rates?.records_consumed, rates?.records_produced],
  });
  timeChart(byId("chart-time"), {
    title: "Time of the workers, but for polls and waiting", format: percent, isStacked: true,
    series: TIME.map((what) => ({ ...line(what, `time-${what}`), isTextOnly: what === "poll" })),
    read: ({ time }) => TIME.map((what) => time?.[what]),
  });
  timeChart(byId("chart-latency"), {
    title: "Time of a call, current module", format: micros,
    series: [line("p50", "blue"), line("p99", "orange")],
    read: (snapshot) => [current(snapshot)?.call_p50_us, current(snapshot)?.call_p99_us],
  });
  timeChart(byId("chart-lag"), {
    title: "Lag, all partitions", format: count, tick,
    series: [line("records", "blue")],
    read: (snapshot) => [lagOf(snapshot)],
  });
  timeChart(byId("chart-commit"), {
    title: "Time of a commit", format: micros,
    series: [line("p50", "blue"), line("p99", "orange")],
    read: ({ commit }) => [commit?.p50_us, commit?.p99_us],
  });
  timeChart(byId("chart-state"), {
    title: "Bytes of state", format: bytes, incrs: POWERS,
    series: [line("keys and accumulators", "blue")],
    read: ({ state }) => [state?.bytes],
  });
}

export function showPanels(snapshot) {
  showHead(snapshot);
  showFigures(snapshot);
  showLag(snapshot);
  showRestore(snapshot);
  showCommits(snapshot);
  showTotals(snapshot);
  showOutputs(snapshot);
}

function showHead({ operator, application_id: application, obstacles, workers, uptime_s: uptime, product_version: version }) {
  document.title = `${operator} – wasmhost`;
  setText(byId("operator"), operator);
  const threads = workers === 1 ? "1 worker" : `${count(workers)} workers`;
  setText(byId("application"), `application ${application}, ${threads}, up ${duration(uptime)}`);
  setText(byId("product"), `wasmhost ${version}`);
  const isWorking = (obstacles ?? []).length === 0;
  setText(byId("health"), isWorking ? "working" : "not ready");
  byId("health").dataset.tone = isWorking ? "good" : "warn";
  setText(byId("obstacles"), (obstacles ?? []).join("; "));
  setShown(byId("obstacles"), !isWorking);
}

function showFigures(snapshot) {
  const { rates, commit, state, totals } = snapshot;
  const ofState = state?.bytes_max ? `${bytes(state.bytes)} of ${bytes(state.bytes_max)}` : bytes(state?.bytes);
  const faults = sum(Object.values(totals?.module_faults ?? {}));
  const letters = sum(Object.values(totals?.dead_letter_records ?? {}));
  setPairs(byId("figures"), [
    ["Records in", `${count(rates?.records_consumed)} /s`, `${count(totals?.records_consumed)} in all`],
    ["Records out", `${count(rates?.records_produced)} /s`, `${count(totals?.records_produced)} in all`],
    ["Lag", count(lagOf(snapshot)), "records"],
    ["Commits", `${count(rates?.commits)} /s`, `p99 ${micros(commit?.p99_us)}`],
    ["Keys", count(state?.keys), ofState],
    ["Dead letters", count(letters), faults === 1 ? "1 fault" : `${count(faults)} faults`],
  ]);
}

function showLag({ lag }) {
  const sorted = [...(lag ?? [])].sort((a, b) => b.records - a.records || a.topic.localeCompare(b.topic) || a.partition - b.partition);
  const most = sorted[0]?.records || 1;
  const rows = sorted.slice(0, PARTITIONS_MAX).map(({ topic, partition, records }) => [
    { text: `${topic}-${partition}`, className: "name" }, { text: count(records), className: "number" },
    { share: records / most, className: "share" },
  ]);
  setRows(byId("lag"), rows);
  const hidden = sorted.length - rows.length;
  setText(byId("lag-note"), hidden > 0 ? `the ${rows.length} largest of ${sorted.length}` : "");
}

function showRestore({ restore }) {
  const { tasks = 0, rows, rows_remaining: remaining } = restore ?? {};
  const place = byId("restore");
  if (tasks === 0) {
    if (place.dataset.tasks !== "0") place.replaceChildren(el("p", { class: "quiet" }, "No task restores its state now."));
    place.dataset.tasks = "0";
    return;
  }
  if (place.dataset.tasks === "0" || !place.firstChild) {
    place.replaceChildren(el("label", null, el("span"), el("progress", { max: 1 })));
  }
  place.dataset.tasks = String(tasks);
  const [text, progress] = place.firstChild.children;
  const rest = typeof remaining === "number" ? `, ${count(remaining)} to go` : "";
  setText(text, `${tasks === 1 ? "1 task restores" : `${tasks} tasks restore`} state: ${count(rows)} rows${rest}`);
  if (typeof remaining === "number") progress.value = rows + remaining > 0 ? rows / (rows + remaining) : 1;
  else progress.removeAttribute("value");
}

const RESULT_TONE = { committed: "good", "committed-unclean": "warn", aborted: "bad" };

function showCommits({ commit, rates }) {
  const last = commit?.last ?? [];
  setText(byId("commits-note"), last.length > 0 ? `${count(rates?.commits)} a second` : "none yet");
  const bars = byId("commit-bars");
  const most = Math.max(...last.map((one) => one.took_us), 1);
  while (bars.children.length > last.length) bars.lastElementChild.remove();
  last.forEach(({ at_ms: at, took_us: took, result, records }, place) => {
    const bar = bars.children[place] ?? bars.appendChild(el("li"));
    bar.dataset.tone = RESULT_TONE[result] ?? "warn";
    bar.title = `${clock(at)} ${result}, ${count(records)} records, ${micros(took)}`;
    bar.style.height = `${Math.max(4, (took / most) * 100)}%`;
  });
  setRows(byId("commits"), [...last].reverse().map(({ at_ms: at, took_us: took, result, records }) => [
    clock(at), { text: result, tone: RESULT_TONE[result] ?? "warn" },
    { text: count(records), className: "number" }, { text: micros(took), className: "number" },
  ]));
}

const causes = (name, byCause) => Object.entries(byCause ?? {}).map(([cause, number]) => [`${name}: ${cause}`, count(number)]);

function showTotals({ totals }) {
  const t = totals ?? {};
  const pairs = [
    ["Transactions committed", count(t.commits)], ["aborted", count(t.aborts)], ["Producers replaced", count(t.producer_replacements)],
    ["Assignments", count(t.rebalances)], ["Rows restored", count(t.records_restored)], ["Rows shuffled", count(t.records_repartitioned)],
    ["Rows folded before", count(t.records_combined)], ["into", count(t.partials_repartitioned)],
    ...causes("Dead letters", t.dead_letter_records), ...causes("Dropped", t.dropped_records), ...causes("Faults", t.module_faults),
  ];
  setPairs(byId("totals"), pairs);
}

function showOutputs({ outputs }) {
  const rows = [...(outputs ?? [])].reverse();
  setShown(byId("outputs-table"), rows.length > 0);
  setShown(byId("outputs-note"), rows.length === 0);
  setText(byId("outputs-note"), "None to show. The setting admin_outputs says how many are kept (0: none, as keys may be personal).");
  const text = (value) => ({ text: value ?? "null", className: value === null || value === undefined ? "name quiet" : "name" });
  setRows(byId("outputs"), rows.map(({ at_ms: at, topic, key, value }) => [{ text: moment(at), title: topic }, text(key), text(value)]));
}
