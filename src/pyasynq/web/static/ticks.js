// Rows that are ticked: all of a table by one box, a range with shift, and how many these are.

const ROWS = "input[data-tick]";
let last;

export function watchTicks() {
  document.addEventListener("click", (event) => {
    const box = event.target.closest(ROWS);
    if (!box) return;
    if (event.shiftKey && last?.isConnected) tickBetween(last, box);
    last = box;
    show();
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-tick-all]")) return;
    const table = event.target.closest("table");
    for (const box of table.querySelectorAll(ROWS)) box.checked = event.target.checked;
    show();
  });
  document.addEventListener("live:patched", show);
  show();
}

function tickBetween(one, other) {
  const boxes = [...document.querySelectorAll(ROWS)];
  const [first, end] = [boxes.indexOf(one), boxes.indexOf(other)].sort((a, b) => a - b);
  for (const box of boxes.slice(first, end)) box.checked = other.checked;
}

function show() {
  const boxes = document.querySelectorAll(ROWS);
  const count = document.querySelectorAll(`${ROWS}:checked`).length;
  for (const all of document.querySelectorAll("[data-tick-all]")) {
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  }
  for (const form of document.querySelectorAll("[data-ticked-form]")) {
    const label = form.querySelector("[data-ticked]");
    const words = count ? label.dataset.text.replace("{count}", count) : label.dataset.textNone;
    if (label.textContent !== words) label.textContent = words;
    for (const button of form.querySelectorAll("button")) button.disabled = !count;
  }
}
