// Forms that change something: asked about first, sent in the background, and the page patched.

import { confirmed } from "./dialogs.js";
import { patch } from "./patch.js";
import { toast } from "./toast.js";

export function watchForms() {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form.act, form[data-question]")) return;
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    const question = questionOf(form, button);
    if (question && !(await confirmed(question, form, button))) return;
    await send(form, button);
  });
  document.querySelector("[data-notice]") && forgetNotice();
}

// A button may have a question of its own, which tells how many rows are ticked.
function questionOf(form, button) {
  const count = [...form.elements].filter((each) => each.matches("[data-tick]:checked")).length;
  const own = count === 1 ? button.dataset.questionOne : button.dataset.question;
  return own?.replace("{count}", count.toLocaleString("en")) ?? form.dataset.question;
}

async function send(form, button) {
  const fields = new URLSearchParams(new FormData(form, button));
  if (form.dataset.typed) fields.set("confirm", form.dataset.typed);
  button.disabled = true;
  try {
    // A button without an address of its own would name that of the page.
    const url = button.hasAttribute("formaction") ? button.formAction : form.action;
    const answer = await fetch(url, { method: "POST", body: fields });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) {
      const told = page.querySelector(".refused .reason") ?? page.querySelector("h1");
      const reason = told?.textContent ?? answer.status;
      toast(document.querySelector("#texts").dataset.failed.replace("{reason}", reason), "bad");
      return;
    }
    await follow(answer.url, page, form);
  } catch (error) {
    toast(document.querySelector("#texts").dataset.failed.replace("{reason}", error.message), "bad");
  } finally {
    button.disabled = false;
  }
}

// Show the page that an act leads to; where it is this one, only what differs is changed. A form
// that live updates leave alone needs a page of its own.
async function follow(url, page, form) {
  const [target, here] = [new URL(url), new URL(location)];
  for (const each of [target, here]) each.searchParams.delete("notice");
  const notice = page.querySelector("[data-notice]")?.textContent;
  const isHere = target.pathname === here.pathname && target.search === here.search;
  if (!isHere || form.closest("[data-live-keep]")) {
    location.assign(url);
    return;
  }
  page.querySelector("[data-notice]")?.remove();
  for (const region of document.querySelectorAll("main, [data-live][id]")) {
    const other = page.getElementById(region.id);
    if (other) patch(region, other);
  }
  document.dispatchEvent(new CustomEvent("live:patched"));
  if (notice) toast(notice);
}

function forgetNotice() {
  const url = new URL(location);
  url.searchParams.delete("notice");
  history.replaceState(null, "", url);
}
