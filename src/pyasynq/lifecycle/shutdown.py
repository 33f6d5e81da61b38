"""How long a stop may take: one deadline, of which each part takes what remains.

    begin ──handlers_s──► outcomes are written ──writes_s──► the rest ends ──REST_S──► cancel all

A hurry, which is a second signal, leaves handlers no time and all the rest about a second.
"""

import asyncio
import math
from collections.abc import Callable, Collection, Coroutine
from typing import Any

REST_S = 2.0  # for listeners, and for what tools show of the server
HURRIED_WRITES_S = 1.0
HURRIED_REST_S = 0.5
MOMENT_S = 0.05
LEAST_S = 0.2  # for what closes something, even if no time is left
CANCELLATIONS = 4  # of one task, spread over as long


class ShutdownBudget:
    """How much time each part of one stop has left; unlimited until `begin`.

    Args:
        handlers_s: how long code of the user may go on.
        writes_s: how long outcomes may be written after that.
    """

    def __init__(self, *, handlers_s: float = math.inf, writes_s: float = math.inf) -> None:
        self._spans_s = handlers_s, writes_s
        self._handlers_end = self._writes_end = self._end = math.inf  # in the time of the loop
        self._has_begun = False
        self._hurried = asyncio.Event()

    @property
    def handlers_s(self) -> float:
        """How long code of the user may still go on, 0 or more."""
        return _left_s(self._handlers_end)

    @property
    def writes_s(self) -> float:
        """How long outcomes may still be written."""
        return _left_s(self._writes_end)

    @property
    def all_s(self) -> float:
        """How long it is until everything that still runs is cancelled."""
        return _left_s(self._end)

    def begin(self) -> None:
        """Start the clock of the stop; safe to repeat."""
        if self._has_begun:
            return
        self._has_begun = True
        handlers_s, writes_s = self._spans_s
        self._handlers_end = asyncio.get_running_loop().time() + handlers_s
        self._writes_end = self._handlers_end + writes_s
        self._end = self._writes_end + REST_S
        if self._hurried.is_set():
            self._shorten()

    def hurry(self) -> None:
        """Leave about a second for the rest of the stop, or for all of it if it begins later."""
        self._hurried.set()
        if self._has_begun:
            self._shorten()

    async def wait(
        self, tasks: Collection["asyncio.Future[Any]"], left_s: Callable[[], float]
    ) -> set["asyncio.Future[Any]"]:
        """Wait until *tasks* have ended or *left_s* returns 0; a hurry makes it ask again.

        Returns:
            Those that have not ended.
        """
        hurry = asyncio.create_task(self._hurried.wait(), name="pyasynq hurry")
        try:
            while late := {each for each in tasks if not each.done()}:
                if (timeout_s := left_s()) <= 0:
                    return late
                signals = set() if hurry.done() else {hurry}
                await asyncio.wait(
                    {*late, *signals},
                    timeout=None if timeout_s == math.inf else timeout_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
        finally:
            hurry.cancel()
        return set()

    async def at_most(self, span_s: float, tasks: Collection["asyncio.Future[Any]"]) -> bool:
        """Wait for *tasks*, for *span_s* or what remains of the stop; return whether all ended.

        They have at least `MOMENT_S`, enough to notice the stop, even if no time is left.
        """
        now = asyncio.get_running_loop().time()
        end, least_end = now + span_s, now + MOMENT_S
        return not await self.wait(
            tasks, lambda: max(_left_s(least_end), min(_left_s(end), self.all_s))
        )

    async def close(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Await *close* for what remains of the stop, but at least `LEAST_S`; then cancel it."""
        closing = asyncio.create_task(close(), name="pyasynq close")
        least_end = asyncio.get_running_loop().time() + LEAST_S
        if await self.wait([closing], lambda: max(_left_s(least_end), self.all_s)):
            await cancel_all(closing)
        else:
            await closing

    def _shorten(self) -> None:
        now = asyncio.get_running_loop().time()
        self._handlers_end = min(self._handlers_end, now)
        self._writes_end = min(self._writes_end, now + HURRIED_WRITES_S)
        self._end = min(self._end, self._writes_end + HURRIED_REST_S)


async def cancel_all(*tasks: "asyncio.Future[Any]") -> bool:
    """Cancel *tasks*, again while redis-py swallows that; return whether all have ended."""
    late: set[asyncio.Future[Any]] = {each for each in tasks if not each.done()}
    for _ in range(CANCELLATIONS):
        if not late:
            break
        for each in late:
            each.cancel()
        _ended, late = await asyncio.wait(late, timeout=LEAST_S / CANCELLATIONS)
    return not late


def _left_s(end: float) -> float:
    return max(0.0, end - asyncio.get_running_loop().time())
