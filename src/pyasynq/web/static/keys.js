// Keys: an element says in data-key which one clicks or focuses it; rows of tables have a current one.

const FIELDS = "input:not([type=checkbox]):not([type=radio]), textarea, select";
let first = "";

export function watchKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches(FIELDS)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const keys = first ? `${first} ${event.key}` : event.key;
    first = event.key === "g" && !first ? "g" : "";
    if (first) return;
    if (act(keys)) event.preventDefault();
  });
}

function act(keys) {
  if (keys === "j") return move(1);
  if (keys === "k") return move(-1);
  const row = document.querySelector("[data-current]");
  if (keys === "x" && row) return click(row.querySelector("input[type=checkbox]"));
  if (keys === "Enter" && row && !document.activeElement.matches("a, button")) {
    location.assign(row.dataset.href);
    return true;
  }
  const named = `[data-key="${CSS.escape(keys)}"]`;
  const target = row?.querySelector(named) ?? document.querySelector(named);
  if (target?.matches(FIELDS)) {
    target.focus();
    return true;
  }
  return click(target);
}

function click(element) {
  element?.click();
  return Boolean(element);
}

function move(step) {
  const rows = [...document.querySelectorAll("table.rows tbody tr[data-href]")];
  const at = rows.findIndex((row) => "current" in row.dataset);
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  if (!next) return false;
  if (at >= 0) delete rows[at].dataset.current;
  next.dataset.current = "";
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("a")?.focus({ preventScroll: true });
  return true;
}
