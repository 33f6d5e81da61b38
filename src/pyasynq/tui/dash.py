"""The application: which view is open, and the keys that hold everywhere."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from typing_extensions import override

from pyasynq.clock import Clock, SystemClock
from pyasynq.connection.connector import ConnectionSource
from pyasynq.inspector.infos import QueueInfo
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.shown import shown
from pyasynq.tui.keys import sections_of
from pyasynq.tui.parts.colours import DARK_THEME, LIGHT_THEME, THEMES, theme_of
from pyasynq.tui.parts.dialogs import Help
from pyasynq.tui.parts.frame import TABS
from pyasynq.tui.session import Session
from pyasynq.tui.view import View
from pyasynq.tui.views.attention import AttentionView
from pyasynq.tui.views.queue import QueueView
from pyasynq.tui.views.queues import QueuesView
from pyasynq.tui.views.redis import RedisView
from pyasynq.tui.views.schedulers import SchedulersView
from pyasynq.tui.views.servers import ServersView

VIEWS: Mapping[str, Callable[[Session], View[Any]]] = {
    "Queues": QueuesView,
    "Servers": ServersView,
    "Schedulers": SchedulersView,
    "Redis": RedisView,
    "Attention": AttentionView,
}

TOP = 2  # screens when a view at the top is open: below it is the empty one of Textual


class Dash(App[None]):
    """Shows one Redis.

    Args:
        source: where Redis is, as for a client.
        clock: where to get the time; the machine's clock if not given.
        refresh_s: seconds between two reads of the view that is open.
        read_only: whether keys that act do nothing.
        theme: "dark" or "light"; what COLORFGBG says if not given, else dark.

    Raises:
        ConfigError: the URL is wrong.
    """

    TITLE = "pyasynq"
    CSS_PATH = "dash.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape", "leave", "back", key_display="q"),
        *(Binding(str(at), f"open('{name}')", name, show=False) for at, name in enumerate(TABS, 1)),
        Binding("space", "hold", "hold", show=False),
        Binding("ctrl+c", "quit", "quit", show=False, priority=True),
        Binding("ctrl+l", "reload", "read now", show=False),
        Binding("ctrl+k", "command_palette", "commands", show=False),
        Binding("question_mark", "help", "help", key_display="?"),
    ]

    def __init__(
        self,
        source: ConnectionSource = None,
        *,
        clock: Clock | None = None,
        refresh_s: float = 2.0,
        read_only: bool = False,
        theme: str | None = None,
    ) -> None:
        super().__init__()
        used = clock or SystemClock()
        self.session = Session(
            inspector=AsyncInspector(source, clock=used),
            clock=used,
            refresh_s=refresh_s,
            read_only=read_only,
        )
        for each in (DARK_THEME, LIGHT_THEME):
            self.register_theme(each)
        self.theme = theme or theme_of(os.environ.get("COLORFGBG", ""))
        self._views = {name: view(self.session) for name, view in VIEWS.items()}

    def on_mount(self) -> None:
        """Keep the views with their cursors, their filters and what they have read."""
        for name, view in self._views.items():
            self.install_screen(view, name)
        self.call_next(self.push_screen, TABS[0])

    async def on_unmount(self) -> None:
        """Close the connections."""
        await self.session.inspector.close()

    @property
    def view(self) -> View[Any] | None:
        """The view that is open; None while a dialog is."""
        return self.screen if isinstance(self.screen, View) else None

    @override
    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        for name in TABS:
            yield SystemCommand(name, "open the view", partial(self.action_open, name))
        queues: Sequence[QueueInfo] = self._views[TABS[0]].data or ()  # as they were read last
        for queue in queues:
            name, call = f"Queue {shown(queue.queue)}", partial(self.open_queue, queue.queue)
            yield SystemCommand(name, "open the queue", call)
        yield SystemCommand("Hold", "hold still, or be live again", self.action_hold)
        yield SystemCommand("Read now", "read the view at once", self.action_reload)
        yield SystemCommand("Colours", "dark, or light", self.action_colours)
        yield SystemCommand("Help", "what the keys do", self.action_help)
        yield SystemCommand("Quit", "end the dash", self.exit)

    def open_queue(self, queue: str) -> None:
        """Open a queue."""
        self.call_later(self._open, TABS[0], QueueView(self.session, queue))

    def watch_theme(self, theme: str) -> None:
        """Colour texts as the theme says."""
        is_dark = self.available_themes[theme].dark
        self.session.colours = THEMES["dark" if is_dark else "light"]
        if self.is_running and self.view is not None:
            self.view.redraw()

    def action_leave(self) -> None:
        """End the filter or the selection, else go back, else quit."""
        if self.view is None or self.view.back():
            return
        if len(self.screen_stack) > TOP:
            self.call_next(self.pop_screen)
        else:
            self.exit()

    def action_open(self, name: str) -> None:
        """Open one of the views at the top."""
        self.call_later(self._open, name)

    def action_hold(self) -> None:
        """Hold still, or be live again."""
        self.session.is_live = not self.session.is_live
        if self.view is not None:
            self.view.wake()

    def action_reload(self) -> None:
        """Read at once."""
        if self.view is not None:
            self.view.reload()
            self.refresh()

    def action_colours(self) -> None:
        """Take the other colours."""
        is_dark = self.available_themes[self.theme].dark
        self.theme = LIGHT_THEME.name if is_dark else DARK_THEME.name

    def action_help(self) -> None:
        """Show what the keys do."""
        if self.view is not None:
            shown = Help(sections_of(type(self.view).__name__), self.session.colours)
            self.call_next(self.push_screen, shown)

    async def _open(self, name: str, above: View[Any] | None = None) -> None:
        """Open a view at the top, and another one above it."""
        if self.view is None:  # a dialog waits for an answer
            return
        while len(self.screen_stack) > TOP:
            await self.pop_screen()
        if self.screen is not self._views[name]:
            await self.switch_screen(name)
        if above is not None:
            await self.push_screen(above)
