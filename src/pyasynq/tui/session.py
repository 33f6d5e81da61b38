"""What all views of one dash share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pyasynq.clock import Clock, to_datetime
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.tui.parts.colours import DARK, Colours
from pyasynq.tui.parts.filtering import Matches, text_filter


@dataclass(slots=True, kw_only=True)
class Session:
    """A Redis, and how it is looked at.

    Attributes:
        inspector: asks that Redis.
        clock: what times are compared with.
        refresh_s: seconds between two reads of a view.
        read_only: whether keys that act do nothing.
        is_live: whether the view that is open is read again and again.
        doing: what is being done to many tasks at this moment; empty for nothing.
        colours: those of the theme.
        filter_of: makes a condition on the cells of a row of what was typed behind ``/``.
    """

    inspector: AsyncInspector
    clock: Clock
    refresh_s: float = 2.0
    read_only: bool = False
    is_live: bool = True
    doing: str = ""
    colours: Colours = DARK
    filter_of: Callable[[str], Matches] = text_filter

    def now(self) -> datetime:
        """Return the time of Redis, as far as it is known."""
        return to_datetime(self.clock.redis_now_ns())
