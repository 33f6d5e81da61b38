// Keys: an element says in data-key which one clicks or focuses it; rows of tables have a current one.

const FIELDS = "input:not([type=checkbox]):not([type=radio]), textarea, select";
const TAKES_ENTER = "a, button, summary";
const TAKES_CLICKS = ".tick, .acts, a, button, input, label, select, summary, pre";
let first = "", current = "";

export function watchKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isOfBrowser(event) || document.querySelector("dialog[open]")) return;
    if (event.target.matches(FIELDS)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "Shift" || event.key === "AltGraph") return;
    const keys = first ? `${first} ${event.key}` : event.key;
    first = event.key === "g" && !first ? "g" : "";
    if (first) return;
    if (act(keys)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-href]");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey || event.target.closest(TAKES_CLICKS)) return;
    if (!String(getSelection())) location.assign(row.dataset.href);
  });
  document.addEventListener("live:patched", () => mark(document.getElementById(current)));
}

// Some keyboards need AltGr or Option for [ ] and #, which is no shortcut of the browser then.
function isOfBrowser(event) {
  if (event.getModifierState("AltGraph")) return false;
  return event.ctrlKey || event.metaKey || (event.altKey && /^\w/.test(event.key));
}

function act(keys) {
  const row = document.querySelector("tr[data-current]");
  switch (keys) {
    case "j": return move(1);
    case "k": return move(-1);
    case "x": return click(row?.querySelector("input[type=checkbox]"));
    case "Escape": return leave(row);
    case "Enter": return !document.activeElement.matches(TAKES_ENTER) && open(row);
  }
  const named = `[data-key="${CSS.escape(keys)}"]`;
  const found = [row, document.querySelector("main"), document].map((part) => part?.querySelector(named));
  const target = found.find(Boolean);
  if (target?.matches(FIELDS)) {
    target.focus();
    target.select?.();
    return true;
  }
  tickIfNothingIs(row, target);
  return click(target);
}

// What is done to the ticked rows is done to the current one if none is ticked.
function tickIfNothingIs(row, target) {
  if (!target?.disabled || !target.closest("[data-ticked-form]")) return;
  click(row?.querySelector("input[data-tick]"));
}

function click(element) {
  element?.click();
  return Boolean(element);
}

function open(row) {
  if (row) location.assign(row.dataset.href);
  return Boolean(row);
}

function leave(row) {
  const opened = document.querySelector("details.drop[open]");
  if (opened) opened.open = false;
  else mark(null);
  return Boolean(opened || row);
}

function mark(row) {
  for (const each of document.querySelectorAll("tr[data-current]")) delete each.dataset.current;
  current = row?.id ?? "";
  if (row) row.dataset.current = "";
}

function move(step) {
  const rows = [...document.querySelectorAll("table.rows tbody tr[data-href]")];
  const at = rows.findIndex((row) => "current" in row.dataset);
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  if (!next) return false;
  mark(next);
  next.scrollIntoView({ block: "nearest" });
  const links = [...next.querySelectorAll("a")];
  const link = links.find((each) => each.getAttribute("href") === next.dataset.href) ?? links[0];
  link?.focus({ preventScroll: true });
  return true;
}
