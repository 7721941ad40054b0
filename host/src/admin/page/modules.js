// The module table, and what changes the module: swap, shadow run, rollback, each with the token.

import { byId, setRows, setShown, setText } from "./dom.js";
import { bytes, clock, count, digest, micros, moment } from "./format.js";
import { showReport } from "./report.js";
import { forgetToken, hasToken, send, takeToken } from "./token.js";

// Milliseconds that a shadow run may take to see its records.
const SHADOW_TIMEOUT_MS = 60_000;
const STATE_TONE = { current: "good", previous: "info", past: "quiet", refused: "bad" };
const SWAP_TONE = { swap: "good", rollback: "info", "fell-back": "warn", refused: "bad" };

let operator = "";
let isBusy = false;
let hasPrevious = false;

const right = (text) => ({ text, className: "number" });

function versionRow(module) {
  const { number, digest: id, version, state, reason, since_s: since, calls, faults } = module;
  return [
    right(number === null || number === undefined ? "–" : String(number)),
    { text: version && version !== id ? `${version} ${digest(id)}` : digest(id), title: id, className: "name" },
    { text: state, tone: STATE_TONE[state] ?? "quiet", title: reason ?? undefined }, moment(since * 1000), right(count(calls)), right(count(faults)),
    right(micros(module.call_p50_us)), right(micros(module.call_p99_us)), right(bytes(module.memory_bytes_max)),
  ];
}

export function showModules({ operator: name, modules, swaps }) {
  operator = name;
  const versions = modules ?? [];
  setRows(byId("versions"), versions.map(versionRow));
  const past = [...(swaps ?? [])].reverse();
  setText(byId("swaps-count"), past.length > 0 ? `(${past.length}, the last at ${clock(past[0].at_ms)})` : "(none yet)");
  setRows(byId("swaps"), past.map((swap) => [
    moment(swap.at_ms), { text: swap.kind, tone: SWAP_TONE[swap.kind] ?? "quiet" }, right(count(swap.number)),
    { text: digest(swap.digest), title: swap.digest, className: "name" },
    right(typeof swap.took_ms === "number" ? `${count(swap.took_ms)} ms` : "–"), right(micros(swap.pause_us)), { text: swap.reason ?? "", className: "reason" },
  ]));
  hasPrevious = versions.some(({ state }) => state === "previous");
  showButtons();
}

function tell(text, tone) {
  const outcome = byId("outcome");
  outcome.dataset.tone = tone;
  setText(outcome, text);
  setShown(outcome, true);
}

const installed = ({ number, took_ms: took, pause_us: pause }) =>
  `Version ${number} works. It took ${count(took)} ms; no worker paused longer than ${micros(pause)}.`;

async function signature() {
  const [file] = byId("signature-file").files;
  if (!file) return {};
  const digits = [...new Uint8Array(await file.arrayBuffer())].map((byte) => byte.toString(16).padStart(2, "0"));
  return { signature: digits.join("") };
}

// Sends a request and says what came of it.
async function act(doing, route, query, body, done) {
  if (isBusy) return;
  setBusy(true);
  tell(doing, "info");
  setShown(byId("report"), false);
  try {
    const path = `api/v1/modules/${encodeURIComponent(operator)}/${route}?${new URLSearchParams(query)}`;
    const { isDone, answer } = await send(path, body);
    if (isDone) done(answer);
    else tell([answer.title, answer.detail].filter(Boolean).join(": "), "bad");
  } catch (error) {
    tell(`The request did not get through: ${error.message}`, "bad");
  } finally {
    setBusy(false);
    showLock();
  }
}

function setBusy(busy) {
  isBusy = busy;
  showButtons();
}

function showButtons() {
  for (const id of ["swap-button", "shadow-button"]) byId(id).disabled = isBusy;
  byId("rollback-button").disabled = isBusy || !hasPrevious;
}

function chosenFile() {
  const [file] = byId("module-file").files;
  if (!file) {
    tell("Choose the module's file first.", "warn");
    byId("module-file").focus();
  }
  return file;
}

async function swap() {
  const file = chosenFile();
  if (!file) return;
  const query = { drain: byId("swap-drain").checked, ...(await signature()) };
  await act(`Checking ${file.name} and swapping to it…`, "swap", query, file, (answer) => tell(installed(answer), "good"));
}

async function shadow() {
  const file = chosenFile();
  if (!file) return;
  const records = byId("shadow-records").valueAsNumber;
  if (!(records >= 1)) {
    tell("Say how many records to run beside, at least 1.", "warn");
    return;
  }
  const query = {
    records, timeout_ms: SHADOW_TIMEOUT_MS, show_keys: byId("shadow-keys").checked,
    promote_if_equal: byId("shadow-promote").checked, ...(await signature()),
  };
  await act(`Running ${file.name} beside the current module on ${count(records)} records…`, "shadow", query, file, (report) => {
    showReport(byId("report"), report);
    tell(report.promoted ? `Every answer was the same. ${installed(report.promoted)}` : "The shadow run is over; nothing was swapped.", report.equal > 0 && report.different + report.failed === 0 ? "good" : "warn");
  });
}

const rollback = () => act("Rolling back…", "rollback", {}, null, (answer) => tell(installed(answer), "good"));

// Whether this tab may change something.
function showLock() {
  const lock = byId("lock");
  if (!hasToken()) {
    lock.className = "quiet";
    setText(lock, "A change asks for the token.");
    return;
  }
  if (lock.querySelector("button")) return;
  const forget = document.createElement("button");
  forget.type = "button";
  forget.textContent = "Forget the token";
  forget.addEventListener("click", () => {
    forgetToken();
    showLock();
  });
  lock.replaceChildren(forget);
}

function takeTokenAndShow() {
  takeToken();
  showLock();
}

export function startModules() {
  byId("swap").addEventListener("submit", (event) => {
    event.preventDefault();
    swap();
  });
  byId("shadow-button").addEventListener("click", shadow);
  byId("rollback-button").addEventListener("click", rollback);
  // Another address of the same page, such as that of the next start, loads nothing anew.
  addEventListener("hashchange", takeTokenAndShow);
  takeTokenAndShow();
}
