// The page: reads the feed, one snapshot a second, and hands each to its parts.

import { draw, push, timeline } from "./charts.js";
import { byId, el, setShown, setText } from "./dom.js";
import { showFaults } from "./faults.js";
import { showModules, startModules } from "./modules.js";
import { makeCharts, showPanels } from "./panels.js";
import { showTokenFile } from "./token.js";
import { showTopology } from "./topology.js";

// Without a snapshot for so long the connection is as good as lost.
const SILENCE_MS = 5_000;
// The browser connects again by itself, unless the answer was an error.
const RETRY_MS = 2_000;
const TOOK_OVER = { swap: "swap", rollback: "rollback", "fell-back": "fell back" };

let heardAt = 0;
let isLive = false;
let swapsSeen = null;

const announce = (text) => setText(byId("announce"), text);

function setLive(live, text) {
  const badge = byId("connection");
  badge.dataset.tone = live ? "good" : "warn";
  setText(badge, live ? "live" : text);
  if (isLive && !live) {
    announce(`Connection lost, ${text}`);
    timeline.interrupt();
  }
  if (!isLive && live && heardAt > 0) announce("Connected");
  isLive = live;
  document.body.classList.toggle("stale", !live && heardAt > 0);
}

const marks = (swaps) =>
  swaps.filter(({ kind }) => kind in TOOK_OVER).map(({ at_ms: at, number }) => ({ time: at / 1000, label: `v${number}` }));

// Says aloud what happened since the last snapshot.
function announceSwaps(swaps) {
  const keys = swaps.map(({ at_ms: at, kind, number }) => `${at} ${kind} ${number}`);
  if (swapsSeen) {
    swaps.forEach(({ kind, number, reason }, place) => {
      if (!swapsSeen.includes(keys[place])) announce(kind in TOOK_OVER ? `Module ${TOOK_OVER[kind]}: version ${number} works` : `Module refused: ${reason ?? ""}`);
    });
  }
  swapsSeen = keys;
}

function show(snapshot) {
  const swaps = snapshot.swaps ?? [];
  push(snapshot.at_ms / 1000, snapshot);
  showPanels(snapshot);
  showModules(snapshot);
  showFaults(snapshot);
  showTopology(snapshot);
  draw(marks(swaps));
  announceSwaps(swaps);
}

function connect() {
  const source = new EventSource("api/v1/events");
  source.addEventListener("snapshot", (event) => {
    setLive(true);
    heardAt = Date.now();
    show(JSON.parse(event.data));
  });
  source.addEventListener("error", () => {
    setLive(false, "reconnecting");
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  });
}

// Where the token is, and where the pages of the other operators of this process are.
async function about() {
  const response = await fetch("page/about.json");
  if (!response.ok) return;
  const { token_file: file, operators } = await response.json();
  showTokenFile(file);
  const nav = byId("operators");
  const here = location.port;
  const links = operators.map(({ name, port }) => {
    const url = new URL("/", location.href);
    url.port = port;
    return el("a", { href: url.href, "aria-current": String(port) === here ? "page" : null }, name);
  });
  nav.replaceChildren(...links);
  setShown(nav, links.length > 1);
}

startModules();
makeCharts();
connect();
setInterval(() => {
  if (isLive && Date.now() - heardAt > SILENCE_MS) setLive(false, "no news");
}, 1_000);
about().catch(() => announce("The page cannot read where the token is"));
