"""Waiting awake for an answer that is due within some ten microseconds.

To be woken from sleep costs a process 25 µs and more, which is as long as a Redis on the same
machine takes to answer. Whoever has nothing else to do meanwhile waits awake for a moment, and less
and less often where that was in vain, as with a Redis further away.
"""

import asyncio
import os
from pathlib import Path
from time import perf_counter

WINDOW_S = 0.0001  # in which Redis answers one small call
LONGEST_PENALTY = 1023  # waits that are not tried awake
CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")


class BusyWaits:
    """Decides whether to wait awake for the next answer.

    Args:
        is_wanted: False never waits awake; nor does a process that has less than two cores, for
            it would keep the server itself from answering.
    """

    __slots__ = ("_is_possible", "_left", "_penalty")

    def __init__(self, *, is_wanted: bool) -> None:
        self._is_possible = is_wanted and _cores() >= 2  # noqa: PLR2004 - as the text says
        self._penalty = 0
        self._left = 0

    def may_begin(self) -> bool:
        """Return whether to wait awake now."""
        if self._left:
            self._left -= 1
            return False
        return self._is_possible

    def succeeded(self) -> None:
        """Note that the answer came in time."""
        self._penalty >>= 1

    def failed(self) -> None:
        """Note that it did not: twice as many answers are waited for asleep from now on."""
        self._left = self._penalty = min(LONGEST_PENALTY, 2 * self._penalty + 1)


class LoopAwake:
    """Keeps an event loop awake while it waits for an answer.

    Args:
        is_wanted: False never does.
        window_s: for how long at most.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, is_wanted: bool, window_s: float = WINDOW_S
    ) -> None:
        self._loop = loop
        self._window_s = window_s
        self._waits = BusyWaits(is_wanted=is_wanted)
        self._is_on = False
        self._until = 0.0

    def begin(self) -> None:
        """An answer is due, and there is nothing else to do."""
        if self._waits.may_begin():
            self._is_on = True
            self._until = perf_counter() + self._window_s
            self._loop.call_soon(self._turn)

    def end(self) -> None:
        """The answer is there, or will not come."""
        if self._is_on:
            self._is_on = False
            self._waits.succeeded()

    def _turn(self) -> None:
        if not self._is_on:
            return
        if perf_counter() < self._until:
            self._loop.call_soon(self._turn)
            return
        self._is_on = False
        self._waits.failed()


def _cores() -> float:
    """Return how many cores this process may use, also by the limit of its container."""
    try:
        cores: float = len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux has it
        cores = os.cpu_count() or 1
    try:
        quota, period = CPU_LIMIT.read_text("ascii").split()
        return min(cores, int(quota) / int(period))
    except (OSError, ValueError):  # there are no such limits, or none is set
        return cores
