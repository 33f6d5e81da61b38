// How often a page asks for news where none can be sent to it, in seconds; this browser keeps it.

const KEPT = "pyasynq.poll";

export function watchPoll() {
  const slider = document.querySelector("[data-poll]");
  if (!slider) return;
  const told = document.querySelector("[data-poll-value]");
  const tell = () => { told.value = told.dataset.text.replace("{seconds}", slider.value); };
  const before = kept();
  if (before >= Number(slider.min) && before <= Number(slider.max)) slider.value = before;
  tell();
  slider.addEventListener("input", () => {
    tell();
    try { localStorage.setItem(KEPT, slider.value); } catch { /* it is forgotten, then */ }
  });
}

function kept() {
  try { return Number(localStorage.getItem(KEPT)); } catch { return 0; }
}
