// Everything that pages do with a script: they work without it, too.

import { watchDialogs } from "./dialogs.js";
import { watchForms } from "./forms.js";
import { watchKeys } from "./keys.js";
import { watchTimes } from "./times.js";

document.documentElement.classList.add("with-script");
if (matchMedia("(max-width: 860px)").matches) {
  document.querySelector(".menu")?.removeAttribute("open");
}
watchDialogs();
watchForms();
watchKeys();
watchTimes();
