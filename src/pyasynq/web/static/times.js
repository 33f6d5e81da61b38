// Times: how far away they are goes on by itself, and dates follow this computer's clock if wanted.

const SIZES = [86400, 3600, 60, 1];

export function watchTimes() {
  const texts = document.querySelector("#texts").dataset;
  const units = texts.units.trim().split(/\s+/);
  const isLocal = document.documentElement.dataset.clock === "local";

  const span = (seconds) => {
    let left = seconds;
    const first = SIZES.findIndex((size) => left >= size);
    return SIZES.map((size, at) => {
      const count = Math.floor(left / size);
      left -= count * size;
      return count && at <= first + 1 ? `${count}${units[at]}` : "";
    }).filter(Boolean).join(" ");
  };
  const relative = (time) => {
    const seconds = Math.round((Date.parse(time.dateTime) - Date.now()) / 1000);
    if (!seconds) return texts.now;
    return (seconds > 0 ? texts.in : texts.ago).replace("{span}", span(Math.abs(seconds)));
  };
  const tick = () => {
    for (const time of document.querySelectorAll("time.relative")) {
      const words = relative(time);
      if (time.textContent !== words) time.textContent = words;
    }
    if (!isLocal) return;
    for (const time of document.querySelectorAll("time:not([data-local])")) {
      const words = new Date(time.dateTime).toLocaleString(document.documentElement.lang);
      if (time.matches(".absolute")) time.textContent = words;
      else time.title = words;
      time.dataset.local = "";
    }
  };
  tick();
  setInterval(tick, 1000);
}
