// Everything that pages do with a script: they work without it, too.

import { watchCopies } from "./copy.js";
import { watchDialogs } from "./dialogs.js";
import { watchForms } from "./forms.js";
import { watchKeys } from "./keys.js";
import { watchLive } from "./live.js";
import { watchPalette } from "./palette.js";
import { watchPoll } from "./poll.js";
import { watchTicks } from "./ticks.js";
import { watchTimes } from "./times.js";

document.documentElement.classList.add("with-script");
const narrow = matchMedia("(max-width: 860px)");
const fold = () => document.querySelector(".menu")?.toggleAttribute("open", !narrow.matches);
narrow.addEventListener("change", fold);
fold();
watchCopies();
watchDialogs();
watchForms();
watchKeys();
watchLive();
watchPalette();
watchPoll();
watchTicks();
watchTimes();
