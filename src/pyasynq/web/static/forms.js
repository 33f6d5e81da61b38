// Forms that change something: asked about first, sent in the background, and the page patched.

import { confirmed } from "./dialogs.js";
import { toast } from "./toast.js";

export function watchForms() {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form.act, form[data-question]")) return;
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    if (form.dataset.question && !(await confirmed(form, button))) return;
    await send(form, button);
  });
  document.querySelector("[data-notice]") && forgetNotice();
}

async function send(form, button) {
  const fields = new URLSearchParams(new FormData(form, button));
  if (form.dataset.typed) fields.set("confirm", form.dataset.typed);
  button.disabled = true;
  try {
    const answer = await fetch(button.formAction || form.action, { method: "POST", body: fields });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) {
      const reason = page.querySelector(".reason, h1")?.textContent ?? answer.status;
      toast(document.querySelector("#texts").dataset.failed.replace("{reason}", reason), "bad");
      return;
    }
    follow(answer.url, page);
  } catch (error) {
    toast(document.querySelector("#texts").dataset.failed.replace("{reason}", error.message), "bad");
  } finally {
    button.disabled = false;
  }
}

// Show the page that an act leads to; where it is this one, only what differs is changed.
async function follow(url, page) {
  const target = new URL(url);
  const notice = page.querySelector("[data-notice]")?.textContent;
  target.searchParams.delete("notice");
  const here = new URL(location);
  here.searchParams.delete("notice");
  if (target.pathname !== here.pathname) {
    location.assign(url);
    return;
  }
  const { patchPage } = await import("./patch.js");
  page.querySelector("[data-notice]")?.remove();
  patchPage(page);
  if (notice) toast(notice);
}

function forgetNotice() {
  const url = new URL(location);
  url.searchParams.delete("notice");
  history.replaceState(null, "", url);
}
