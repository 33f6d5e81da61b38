"""A window of a browser, with what a good page never does: errors, and requests to other hosts."""

import re
from collections.abc import Sequence
from pathlib import Path

import axe_playwright_python
from playwright.async_api import Browser, BrowserContext, Page, Request

from pyasynq.web.pages.preferences import COOKIES

SERIOUS = ("serious", "critical")
NARROWEST, NARROW, TABLET, SMALL, WIDE = 360, 390, 768, 1024, 1440
BETWEEN = (900, 1100)  # where tables are still tables, and as narrow as these get
HEIGHT = 900
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
PICTURES = Path(__file__).parents[3] / ".pictures"


class Window:
    """One visitor, and the page that they see.

    Attributes:
        base: where the web UI is.
        page: the page.
        faults: what pages have done wrong so far.
    """

    def __init__(self, base: str, context: BrowserContext, page: Page) -> None:
        self.base = base
        self.page = page
        self.faults: list[str] = []
        self._context = context
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", self._requested)

    @classmethod
    async def opened(
        cls,
        browser: Browser,
        base: str,
        *,
        width: int = WIDE,
        height: int = HEIGHT,
        scheme: str = "light",
        language: str = "en",
        **settings,
    ) -> "Window":
        """Open a window, of a visitor who has never been here."""
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale={"en": "en-GB", "zh": "zh-CN"}[language],
            timezone_id="UTC",
            **settings,
        )
        context.set_default_timeout(10_000)
        return cls(base, context, await context.new_page())

    async def close(self) -> None:
        await self._context.close()

    async def open(self, path: str) -> int:
        """Open the page at a path below the web UI; returns the status of the answer."""
        answer = await self.page.goto(f"{self.base}{path}", wait_until="load")
        assert answer is not None
        return answer.status

    async def leave(self) -> None:
        """Leave the page, which ends its stream; else the server would wait for that."""
        await self.page.goto("about:blank")

    async def prefer(self, *, scheme: str, language: str = "en") -> None:
        """Change the colours of the system of the visitor, and the language they have chosen."""
        await self.page.emulate_media(color_scheme=scheme)
        kept = {"name": COOKIES["language"], "value": language, "url": self.base}
        await self._context.add_cookies([kept])

    async def resize(self, width: int) -> None:
        await self.page.set_viewport_size({"width": width, "height": HEIGHT})

    async def overflow(self) -> list[str]:
        """What reaches over the right edge of the window; nothing if the page does not."""
        return await self.page.evaluate(OVERFLOW)

    async def links(self) -> list[str]:
        """Where links, forms, style sheets, scripts and pictures of the page lead."""
        return await self.page.evaluate(LINKS)

    def is_below(self, url: str) -> bool:
        """Whether an address is one of the web UI."""
        return f"{url.partition('?')[0]}/".startswith(f"{self.base}/")

    async def unfit(self) -> list[str]:
        """What axe-core finds that keeps people out."""
        found = await self.page.evaluate(f"{AXE}; axe.run({{resultTypes: ['violations']}})")
        return [
            f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for each in found["violations"]
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]

    async def keep_pictures(self, path: str, *, looks: Sequence[tuple[int, str]]) -> list[Path]:
        """Keep pictures of a page at some widths, light or dark; returns where they are."""
        await self.open(path)
        kept = []
        for width, scheme in looks:
            await self.resize(width)
            await self.page.emulate_media(color_scheme=scheme)
            name = re.sub(r"\W+", "_", path).strip("_") or "queues"
            kept.append(PICTURES / f"{name[:80]}_{width}_{scheme}.png")
            await self.page.screenshot(path=kept[-1], full_page=True)
        return kept

    def take_faults(self) -> list[str]:
        """What pages have done wrong since this was asked."""
        taken, self.faults = self.faults, []
        return taken

    def _heard(self, message) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text}")

    def _requested(self, request: Request) -> None:
        if not request.url.startswith(("/".join(self.base.split("/")[:3]), "data:")):
            self.faults.append(f"asks another host: {request.url}")


OVERFLOW = """
() => {
  const edge = document.documentElement.clientWidth;
  const over = document.documentElement.scrollWidth - edge;
  if (over <= 0) return [];
  const scrolls = (each) => each !== document.body &&
    (getComputedStyle(each).overflowX !== "visible" || scrolls(each.parentElement));
  const found = [...document.body.querySelectorAll("*")]
    .filter((each) => each.checkVisibility() && !scrolls(each.parentElement))
    .filter((each) => each.getBoundingClientRect().right > edge + 1)
    .slice(0, 5)
    .map((each) => each.outerHTML.slice(0, 120));
  // What is placed absolutely may escape from what scrolls, and is not found by its parents.
  return [`the page scrolls by ${over} px`, ...found];
}
"""
LINKS = """
() => [...document.querySelectorAll("[href], [src], [action], [formaction]")].map((each) =>
  new URL(
    ["href", "src", "action", "formaction"].map((name) => each.getAttribute(name)).find(Boolean),
    document.baseURI,
  ).href)
"""
