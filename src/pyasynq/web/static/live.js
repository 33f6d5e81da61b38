// Keeps the regions of a page up to date: elements with an id and data-live. Its value says what a
// region depends on: "queues", "queue:NAME", "servers", "schedulers", "always" for what changes all
// the time, "steady" for what does so slowly, a JSON list of these, or nothing if it is never fetched
// again by itself, as what costs much. The server tells what has changed; the page is fetched again, and each region is patched.
//
// It waits while the page is hidden, while a dialog is open, and while it is switched off by a
// button data-live-switch, whose aria-pressed says whether it is on. An element data-live-status
// has the texts of its states: data-text-on, -polling, -paused, -off, and -stale, where {time} is
// since when. After each patch the document gets the event "live:patched".

import { patch } from "./patch.js";

const ROOT = document.documentElement.dataset.root ?? "";
const DEBOUNCE_MS = 100, REST_MS = 250, PATIENCE_MS = 20_000, AGAIN_MS = 60_000, ERRORS = 3;
const STEADY_MS = 10_000;

const changes = new Set();
let source = null, opened = 0, errors = 0, again = 0;
let timer = 0, running = null, fetchedAt = 0;
let redisSince = null, failedSince = null, isOn = stored("pyasynq.live") !== "off";

// Fetch the page and patch its regions, whatever has changed; for other scripts, after an act.
export async function refresh() {
  await running;
  changes.add("all");
  clearTimeout(timer);
  await fetchOnce();
}

export function switchTo(on) {
  isOn = on;
  try { localStorage.setItem("pyasynq.live", on ? "on" : "off"); } catch { /* not remembered */ }
  resume();
}

function stored(name) { try { return localStorage.getItem(name); } catch { return null; } }

const regions = () => [...document.querySelectorAll('[data-live]:not([data-live=""])[id]')];
const words = (region) => {
  const text = region.dataset.live;
  return text.startsWith("[") ? JSON.parse(text) : [text];
};
const add = (found) => found.forEach((each) => changes.add(each));
const isHeld = () => document.querySelector("dialog[open]");
const isResting = () => document.hidden || !isOn;

function pollMs() {
  const seconds = Number(stored("pyasynq.poll"));
  return 1000 * (seconds >= 2 && seconds <= 20 ? seconds : 8);
}

function concerns(word) {
  if (changes.has("all") || changes.has(word) || word === "always") return true;
  if (word.startsWith("queue:")) return changes.has("queues");
  return word === "queues" && [...changes].some((each) => each.startsWith("queue:"));
}

function note(found) {
  add(found);
  if (!regions().some((region) => words(region).some(concerns))) changes.clear();
  schedule();
}

function schedule() {
  clearTimeout(timer);
  tell();
  if (changes.size === 0 || running || isHeld() || isResting()) return;
  const rest = fetchedAt + (failedSince ? pollMs() : REST_MS) - performance.now();
  timer = setTimeout(fetchOnce, Math.max(DEBOUNCE_MS, rest));
}

function fetchOnce() {
  running ??= fetched().finally(() => {
    running = null;
    fetchedAt = performance.now();
    schedule();
  });
  return running;
}

async function fetched() {
  const url = location.href, taken = [...changes];
  changes.clear();
  try {
    const headers = { "X-Requested-With": "live" }, signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(url, { headers, signal, cache: "no-store" });
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (failedSince && !source) connect();
    failedSince = null;
    if (isHeld() || url !== location.href) add(taken);
    else apply(next);
  } catch {
    add(taken);
    failedSince ??= new Date().toISOString();
  }
}

function apply(next) {
  for (const region of regions()) {
    const other = next.getElementById(region.id);
    if (other) patch(region, other);
  }
  document.dispatchEvent(new CustomEvent("live:patched"));
}

function connect() {
  disconnect();
  if (isResting()) return;
  errors = 0;
  source = new EventSource(`${ROOT}/api/x/events`);
  source.onopen = () => {
    errors = 0;
    if (opened++ > 0) note(["all"]);  // once a minute, and after each gap
    tell();
  };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED || ++errors >= ERRORS) fallBack();
  };
  source.addEventListener("dirty", ({ data }) => note(JSON.parse(data)));
  source.addEventListener("stale", ({ data }) => tell(JSON.parse(data).since));
  source.addEventListener("fresh", () => tell(null));
}

function disconnect() {
  clearTimeout(again);
  source?.close();
  source = redisSince = null;
}

function fallBack() {
  disconnect();
  again = setTimeout(connect, AGAIN_MS);
  note(["all"]);
}

function resume() {
  if (isResting()) disconnect();
  else if (!source) connect();
  note(["all"]);  // which waits as long as the page rests
}

function tell(redis = redisSince) {
  redisSince = redis;
  const since = redisSince ?? failedSince;
  const working = isHeld() ? "paused" : source ? "on" : "polling";
  const state = !isOn ? "off" : since ? "stale" : working;
  const time = since && new Date(since).toLocaleTimeString(document.documentElement.lang || []);
  for (const element of document.querySelectorAll("[data-live-status]")) {
    const text = (element.getAttribute(`data-text-${state}`) ?? "").replace("{time}", time);
    element.dataset.state = state;
    if (element.textContent !== text) element.textContent = text;  // which is read out aloud
  }
  for (const button of document.querySelectorAll("[data-live-switch]")) {
    button.setAttribute("aria-pressed", String(isOn));
  }
}

function poll() {
  setTimeout(poll, pollMs());
  if (!source) note(["all"]);
  else note(["always", ...(performance.now() - fetchedAt >= STEADY_MS ? ["steady"] : [])]);
}

export function watchLive() {
  document.addEventListener("visibilitychange", resume);
  // Of dialogs, which do not bubble.
  for (const name of ["close", "toggle"]) document.addEventListener(name, schedule, true);
  document.addEventListener("click", ({ target }) => {
    if (target.closest?.("[data-live-switch]")) switchTo(!isOn);
  });
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", ({ persisted }) => persisted && resume());
  fetchedAt = performance.now();
  connect();
  setTimeout(poll, pollMs());
  tell();
}
