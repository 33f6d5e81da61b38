// Dialogs: questions before something is done, and whatever a button opens.

const dialog = document.querySelector("#confirm");
let asked = Promise.resolve();  // the question before, whose dialog may not have told yet that it closed

export function watchDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) document.getElementById(opener.dataset.open).showModal();
  });
}

// Ask a question about a form; the promise tells whether the answer is yes.
export async function confirmed(question, form, button) {
  await asked;
  const yes = dialog.querySelector("[data-confirm-yes]");
  const typed = dialog.querySelector("[data-confirm-typed]");
  const field = typed.querySelector("input");
  dialog.querySelector("h2").textContent = question;
  dialog.querySelector("[data-confirm-text]").textContent = form.dataset.explanation ?? "";
  yes.textContent = button.textContent;
  yes.className = button.matches(".danger") ? "danger" : "primary";
  typed.hidden = !form.dataset.typed;
  typed.querySelector("span").textContent = form.dataset.typedLabel ?? "";
  field.value = "";
  const check = () => { yes.disabled = !typed.hidden && field.value !== form.dataset.typed; };
  field.oninput = check;
  check();
  dialog.returnValue = "";
  dialog.showModal();
  asked = new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
  return asked;
}
