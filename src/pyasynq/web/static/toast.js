// A few words at the edge of the page, for six seconds.

let timer;

export function toast(words, kind = "") {
  const element = document.querySelector("#toast");
  element.textContent = words;
  element.className = `toast ${kind}`;
  element.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => { element.hidden = true; }, 6000);
}
