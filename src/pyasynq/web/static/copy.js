// Buttons that copy a text to the clipboard.

import { toast } from "./toast.js";

export function watchCopies() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const texts = document.querySelector("#texts").dataset;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      toast(texts.copied);
    } catch (error) {
      toast(texts.failed.replace("{reason}", error.message), "bad");
    }
  });
}
