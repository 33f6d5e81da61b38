// The palette: pages, queues and searches by a few letters of their names.

const palette = document.querySelector("#palette");
const field = palette.querySelector("input");
const list = palette.querySelector("ul");
const root = document.documentElement.dataset.root;
const MOST = 12;
let asking = new AbortController();
let wanted = "";  // what was chosen with the arrows

export function watchPalette() {
  document.addEventListener("keydown", (event) => {
    const isWanted = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
    if (!isWanted || document.querySelector("dialog[open]:not(#palette)")) return;
    event.preventDefault();
    palette.open ? palette.close() : open();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]")) open();
    else if (event.target === palette) palette.close();
    else if (palette.contains(event.target)) go(event.target.closest("[role=option]"));
  });
  field.addEventListener("input", () => { wanted = ""; show(); });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(step);
    else if (event.key === "Enter") go(chosen());
    else return;
    event.preventDefault();
  });
}

function open() {
  field.value = wanted = "";
  palette.showModal();
  show();
}

// What is known at once comes first; queues follow when the server has answered.
async function show() {
  const typed = field.value.trim();
  asking.abort();
  asking = new AbortController();
  const pages = [...document.querySelectorAll(".side a")].map((link) => [link.textContent.trim(), link.href]);
  const matching = pages.filter(([name]) => name.toLowerCase().includes(typed.toLowerCase()));
  const search = typed ? [[palette.dataset.find.replace("{text}", typed), `${root}/tasks?${new URLSearchParams({ query: typed })}`]] : [];
  fill([...matching, ...search]);
  try {
    const url = `${root}/api/x/queues?${new URLSearchParams({ part: typed, limit: MOST })}`;
    const { queues } = await (await fetch(url, { signal: asking.signal })).json();
    const named = queues.map((name) => [name, `${root}/queues/${encodeURIComponent(name)}`, palette.dataset.queue]);
    fill([...matching, ...named, ...search]);
  } catch {
    // Pages and searches can be chosen without an answer, too.
  }
}

function fill(items) {
  list.replaceChildren(...items.map(([name, href, kind], at) => {
    const item = document.createElement("li");
    Object.assign(item, { id: `palette-${at}`, role: "option", textContent: name });
    item.dataset.href = href;
    item.dataset.kind = kind ?? "";
    return item;
  }));
  mark([...list.children].find((item) => item.dataset.href === wanted) ?? list.firstElementChild);
}

const chosen = () => list.querySelector("[aria-selected=true]");

function choose(step) {
  const items = [...list.children];
  mark(items[(items.indexOf(chosen()) + step + items.length) % items.length]);
  wanted = chosen()?.dataset.href ?? "";
}

function mark(item) {
  for (const each of list.children) each.setAttribute("aria-selected", each === item);
  field.setAttribute("aria-activedescendant", item?.id ?? "");
  item?.scrollIntoView({ block: "nearest" });
}

function go(item) {
  if (item) location.assign(item.dataset.href);
}
