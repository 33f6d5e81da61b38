"""A view: a screen that reads something again and again while it is open, and draws it.

Reading is a coroutine of the view's own, so that keys work however slow Redis is. It ends when
another screen covers the view: what nobody sees is not read.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.css.query import NoMatches
from textual.events import Resize, ScreenResume, ScreenSuspend
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker
from typing_extensions import override

from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.tui.parts.frame import HELD, LIVE, STALE, Banner, Heading, Hints, TopBar
from pyasynq.tui.parts.freshness import Freshness
from pyasynq.tui.session import Session

Data = TypeVar("Data")

TICK_S = 0.5  # how often the banner is thought about


class View(Screen[None], Generic[Data]):
    """One view.

    Attributes:
        tab: the name of the tab to which it belongs.
        session: what all views share.
        data: what was read last; None before that.
    """

    tab: ClassVar[str]
    AUTO_FOCUS = "RowsTable"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.data: Data | None = None
        self._freshness = Freshness()
        self._reading: Worker[None] | None = None
        self._wake = asyncio.Event()

    @abstractmethod
    async def read(self) -> Data:
        """Read what the view shows."""

    @abstractmethod
    def draw(self, data: Data, now: datetime) -> None:
        """Show what was read."""

    @abstractmethod
    def body(self) -> Iterable[Widget]:
        """Return what is between the heading and the footer."""

    @override
    def compose(self) -> ComposeResult:
        yield TopBar(id="top")
        yield Banner(id="banner")
        yield Heading(id="heading")
        yield from self.body()
        yield Hints(id="hints")

    # What subclasses use.

    def entitle(self, name: str, summary: Text | str, aside: str = "") -> None:
        """Show a heading: a name, a summary, and what matters less."""
        colours = self.session.colours
        self.query_one(Heading).draw(
            Text(name, colours.strong), Text.assemble(summary), Text(aside, colours.dim)
        )

    def go_to(self, view: "View[Any]") -> None:
        """Open another view above this one."""
        self.app.call_next(self.app.push_screen, view)

    def reload(self) -> None:
        """Read at once, in the place of the read that is under way, and then again and again."""
        self.stop_reading()
        self._reading = self.run_worker(self._read_on(), group="reading", exclusive=True)

    def stop_reading(self) -> None:
        """Read no more."""
        if self._reading is not None:
            self._reading.cancel()
        self._freshness = self._freshness.given_up()

    def redraw(self) -> None:
        """Draw what was read last once more."""
        if self.data is not None:
            self.draw(self.data, self.session.now())
        self._draw_state()
        self._draw_hints(self)

    def back(self) -> bool:
        """End what can be ended inside the view; return whether there was something."""
        return False

    # Events.

    @on(ScreenResume)
    def _opened(self) -> None:
        self.redraw()
        self.reload()

    @on(ScreenSuspend)
    def _covered(self) -> None:
        self.stop_reading()

    @on(Resize)
    def _resized(self) -> None:
        self.call_after_refresh(self.redraw)

    @property
    def name_shown(self) -> str:
        """What the heading says before anything was read."""
        return self.tab

    def on_mount(self) -> None:
        """Think about the banner again and again."""
        self.call_after_refresh(self._draw_name)
        self.query_one(Banner).display = False
        self.bindings_updated_signal.subscribe(self, self._draw_hints)
        self.set_interval(TICK_S, self._draw_state)

    def _draw_hints(self, _screen: object) -> None:
        if self.is_mounted and self.is_current:
            shown = {
                (self.app.get_key_display(each.binding), each.binding.description): None
                for each in self.active_bindings.values()
                if each.binding.show
            }
            self.query_one(Hints).draw(shown, self.session.colours)

    def _draw_name(self) -> None:
        if self.data is None:
            self.entitle(self.name_shown, "")

    # Reading.

    async def _read_on(self) -> None:
        while True:
            self._wake.clear()
            await self._read_once()
            self._draw_state()
            await self._wait()

    async def _read_once(self) -> None:
        self._freshness = self._freshness.asked(self.session.clock.monotonic())
        try:
            data = await self.read()
        except PyasynqError as error:
            if self.read_failed(error):
                self._freshness = self._freshness.answered(self.session.now())
            else:
                self._freshness = self._freshness.failed(_told(error, is_first=self.data is None))
        else:
            self._freshness = self._freshness.answered(self.session.now())
            self.data = data
            with suppress(NoMatches):  # the dash ends, and some of its widgets are gone
                self.draw(data, self.session.now())

    def read_failed(self, error: PyasynqError) -> bool:
        """Return whether the view itself tells an error; the banner tells it otherwise."""
        del error
        return False

    async def _wait(self) -> None:
        """Wait until the next read: never, as long as the view is not live."""
        while True:
            limit = self.session.refresh_s if self.session.is_live else None
            try:
                async with asyncio.timeout(limit):
                    await self._wake.wait()
            except TimeoutError:
                return
            self._wake.clear()
            if self.session.is_live:
                return

    def wake(self) -> None:
        """Look whether to be live."""
        self._wake.set()
        self._draw_state()

    def _draw_state(self) -> None:
        if self.is_mounted and self.is_current:
            with suppress(NoMatches):  # as above
                self._draw_banner()

    def _draw_banner(self) -> None:
        session, colours = self.session, self.session.colours
        told = self._freshness.banner(session.now(), session.clock.monotonic())
        banner = self.query_one(Banner)
        banner.tell(told or session.doing)
        banner.set_class(bool(told), "-trouble")
        status = Text("read-only  " if session.read_only else "", colours.dim)
        if told:
            status.append(STALE, colours.bad)
        elif session.is_live:
            status.append(LIVE, colours.good)
        else:
            status.append(HELD, colours.warning)
        self.query_one(TopBar).draw(self.tab, status, colours)


def _told(error: PyasynqError, *, is_first: bool) -> str:
    """Return the text of an error on one line; the banner says that it is tried again.

    Where nothing was ever read, the hint says where Redis may be, and how to start one.
    """
    hint = error.hint if isinstance(error, RedisUnavailableError) and not is_first else ""
    return " ".join(str(error).removesuffix(f"; {hint}").split())
