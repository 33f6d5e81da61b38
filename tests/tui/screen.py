"""What a dash shows, as lines of text, and how a test waits for it."""

import asyncio
import html
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot

from pyasynq.clock import Clock
from pyasynq.tui.dash import Dash
from tests.support.eventually import eventually_async

CHARACTER = 12.2  # width in an SVG of Textual
LINE = 24.4
TEXT = re.compile(r'<text [^>]*?x="([\d.]+)" y="([\d.]+)" textLength="[^"]*"[^>]*>([^<]*)</text>')
ROUNDS = 3  # of messages: the table tells the view, the view the application, that mounts
WITHIN_S = 8  # only ends broken tests


def lines_of(svg: str) -> list[str]:
    """Return the lines of a terminal that an SVG of Textual shows, without spaces at their ends."""
    lines: dict[int, list[str]] = {}
    for x, y, text in TEXT.findall(svg):
        line = lines.setdefault(round(float(y) / LINE), [])
        column = round(float(x) / CHARACTER)
        shown = html.unescape(text).replace("\xa0", " ")
        line += [" "] * (column - len(line))
        line[column : column + len(shown)] = shown
    return ["".join(lines.get(at, ())).rstrip() for at in range(1, max(lines, default=0) + 1)]


class Shown:
    """A dash that runs, and what is on its screen."""

    def __init__(self, dash: Dash, pilot: Pilot[None]) -> None:
        self.dash = dash
        self.pilot = pilot

    @property
    def text(self) -> str:
        """Return what is on the screen: a dialog, what it covers, and notes that come and go."""
        stack = self.dash.screen_stack
        screens = stack[-2:] if stack[-1].is_modal else stack[-1:]
        strips = [strip for each in screens for strip in each._compositor.render_strips()]
        return "\n".join([*(strip.text.rstrip() for strip in strips), *self.told])

    @property
    def told(self) -> list[str]:
        """Return the notes; the screen shows them, too, but in several lines."""
        return [each.message for each in self.dash._notifications]

    @property
    def view(self) -> Any:
        return self.dash.screen

    def line(self, part: str) -> str:
        """Return the only line with *part*."""
        (found,) = [line for line in self.text.splitlines() if part in line]
        return found

    async def press(self, *keys: str) -> None:
        """Press keys, and wait until they are worked on; `Pilot.press` takes ten times as long."""
        for key in keys:
            is_sign = len(key) == 1 and not key.isalnum()
            name = _character_to_key(key) if is_sign else key
            character = key if len(key) == 1 else None
            self.dash._driver.send_message(Key(name, character))
            for _ in range(ROUNDS):
                await self.pilot.pause(0)

    async def until_told(self, part: str) -> None:
        """Wait until a note says *part*."""
        await eventually_async(lambda: any(part in each for each in self.told))

    async def until(self, *parts: str, without: str | None = None) -> None:
        """Wait until the screen shows all *parts*, and not what is in *without*."""
        end = time.monotonic() + WITHIN_S
        while True:
            text = self.text
            if all(part in text for part in parts) and (without is None or without not in text):
                return
            assert time.monotonic() < end, f"no {parts}, or {without!r} is still there:\n{text}"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def dashing(
    url: str, *, clock: Clock | None = None, size: tuple[int, int] = (80, 24), **settings: Any
) -> AsyncIterator[Shown]:
    """Run a dash without a terminal."""
    dash = Dash(url, clock=clock, **{"theme": "dark", **settings})
    async with dash.run_test(size=size, notifications=True) as pilot:
        yield Shown(dash, pilot)
