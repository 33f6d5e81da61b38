// Makes an element like another one, node by node, and leaves what people did to it: ticked boxes,
// half-filled fields, focus, the current row, selected text, open details and pop-ups. Children with an id are
// matched by it, others by their place. An element with data-live-keep is left as it is.

export function patch(old, next) {
  const focused = document.activeElement;
  patchElement(old, next);
  // A browser that cannot move elements takes the focus from those that are put elsewhere.
  if (focused !== document.activeElement && focused?.isConnected) {
    focused.focus({ preventScroll: true });
  }
}

function patchElement(old, next) {
  if (old.isEqualNode(next) || old.hasAttribute("data-live-keep") || isTouched(old)) return;
  // How far away a time is goes on by itself.
  if (old.matches("time[datetime]") && old.dateTime === next.dateTime) return;
  patchAttributes(old, next);
  patchChildren(old, next);
}

function isTouched(element) {
  if (!element.matches("textarea, select")) return false;
  if (isFocused(element)) return true;
  if (element.matches("textarea")) return element.value !== element.defaultValue;
  const first = [...element.options].findIndex((each) => each.defaultSelected);
  return element.selectedIndex !== Math.max(0, first);
}

function patchAttributes(old, next) {
  const keeps = kept(old);
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name) && !keeps.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value && !keeps.includes(name)) old.setAttribute(name, value);
  }
}

function kept(element) {
  if (element.matches("details, dialog")) return ["open"];
  if (element.matches("tr")) return ["data-current"];
  if (!element.matches("input")) return [];
  if (element.checked !== element.defaultChecked) return ["checked"];
  return isFocused(element) || element.value !== element.defaultValue ? ["value"] : [];
}

function patchChildren(old, next) {
  const wanted = [...next.childNodes];
  const ids = new Set(wanted.map((each) => each.id).filter(Boolean));
  const known = new Map([...old.children].filter((each) => each.id).map((each) => [each.id, each]));
  let at = old.firstChild;
  for (const node of wanted) {
    while (at?.id && !ids.has(at.id)) at = removed(at);
    const match = node.id ? known.get(node.id) : isLike(at, node) && at;
    if (!match || match.nodeName !== node.nodeName) {
      old.insertBefore(document.importNode(node, true), at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else old[old.moveBefore ? "moveBefore" : "insertBefore"](match, at);
    if (match.nodeType === Node.ELEMENT_NODE) patchElement(match, node);
    else if (match.nodeValue !== node.nodeValue) match.nodeValue = node.nodeValue;
  }
  while (at) at = removed(at);
}

function removed(node) {
  const after = node.nextSibling;
  node.remove();
  return after;
}

const isLike = (old, node) => old && !old.id && old.nodeName === node.nodeName;
const isFocused = (element) => element === document.activeElement;
