"""Keeps floods out of the log: of many lines of one kind, those of a second become one."""

import asyncio
from collections.abc import Callable, Hashable
from contextvars import copy_context

import msgspec

from pyasynq.clock import Clock

LINES_PER_S = 20
MOST_KINDS = 1000  # remembered


class _Flood(msgspec.Struct):
    """The lines of one kind in the current second, and how much was left out."""

    second: int = -1
    lines: int = 0
    left_out: int = 0


class Floods:
    """Counts lines by their kind; used on the event loop of one server only.

    Args:
        lines_per_s: how many lines of one kind are logged in a second; what is more is summed up.
    """

    def __init__(self, clock: Clock, *, lines_per_s: int = LINES_PER_S) -> None:
        self._clock = clock
        self._lines_per_s = lines_per_s
        self._floods: dict[Hashable, _Flood] = {}
        self._variables = copy_context()  # not those of the task whose line is the first left out

    def is_flooded(self, kind: Hashable, sum_up: Callable[[int], None], *, count: int = 1) -> bool:
        """Count a line; return whether it is one too many in this second.

        Args:
            kind: what the lines have in common.
            sum_up: called within a second after a line was left out, with the sum of the counts of
                all that were.
            count: how many things the line is about.
        """
        flood = self._floods.setdefault(kind, _Flood())
        second = int(self._clock.monotonic())
        if flood.second != second:
            flood.second, flood.lines = second, 0
        flood.lines += 1
        if flood.lines <= self._lines_per_s:
            return False
        if not flood.left_out:
            asyncio.get_running_loop().call_later(
                1.0, self._sum_up, flood, sum_up, context=self._variables.copy()
            )
        flood.left_out += count
        return True

    def _sum_up(self, flood: _Flood, sum_up: Callable[[int], None]) -> None:
        left_out, flood.left_out = flood.left_out, 0
        sum_up(left_out)
        if len(self._floods) > MOST_KINDS:
            self._floods.clear()
