"""One reading for all scrapes that come together, and an answer in time if there is none.

Several Prometheus servers may look at the same exporter; what they cost shall not grow with them.
"""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future

from pyasynq.measurements.reading import Reading
from pyasynq.metrics.queue_readings import REDIS_IS_AWAY

KEPT_S = 1.0  # for which a reading is good enough for others
LIMIT_S = 5.0  # for which a scrape waits; Prometheus itself does so for 10 s
AWAY_LIMIT_S = 0.5  # the same if Redis was away when it was last asked

Readings = Sequence[Reading]


class SharedReading:
    """A reading that any thread may ask for; it is made in a thread of its own.

    Args:
        read: makes one; blocks, and does not raise.
    """

    def __init__(self, read: Callable[[], Readings]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._pid = 0
        self._asked: Future[Readings] | None = None
        self._is_away = False
        self._made_at = 0.0

    def get(self) -> Readings:
        """Return a reading that is at most a second old; that Redis is away, if it is late."""
        if os.getpid() != self._pid:  # a fork has neither the lock's owner nor the thread
            self._lock, self._asked, self._pid = threading.Lock(), None, os.getpid()
        with self._lock:
            asked = self._asked
            is_old = asked is not None and asked.done() and _is_old(self._made_at)
            if asked is None or is_old:
                asked = self._asked = Future()
                name = "pyasynq metrics"
                threading.Thread(target=self._make, args=(asked,), name=name, daemon=True).start()
        try:
            return asked.result(AWAY_LIMIT_S if self._is_away else LIMIT_S)
        except TimeoutError:
            self._is_away = True
            return REDIS_IS_AWAY

    def _make(self, asked: "Future[Readings]") -> None:
        try:
            found = self._read()
        except BaseException as error:  # noqa: BLE001 - whoever asked shall get it
            asked.set_exception(error)
            found = REDIS_IS_AWAY
        self._is_away = found is REDIS_IS_AWAY
        self._made_at = time.monotonic()
        if not asked.done():
            asked.set_result(found)


class AsyncSharedReading:
    """The same for coroutines of one event loop at a time."""

    def __init__(self) -> None:
        self._asked: asyncio.Task[Readings] | None = None
        self._is_away = False
        self._made_at = 0.0

    async def get(self, read: Callable[[], Awaitable[Readings]]) -> Readings:
        """Return a reading that is at most a second old; that Redis is away, if it is late.

        Args:
            read: makes one, if that is needed.
        """
        asked = self._asked
        is_of_loop = asked is not None and asked.get_loop() is asyncio.get_running_loop()
        if asked is None or not is_of_loop or (asked.done() and _is_old(self._made_at)):
            asked = self._asked = asyncio.create_task(self._make(read), name="pyasynq metrics")
        done, _ = await asyncio.wait([asked], timeout=AWAY_LIMIT_S if self._is_away else LIMIT_S)
        if done:
            return asked.result()
        self._is_away = True
        return REDIS_IS_AWAY

    async def aclose(self) -> None:
        """End a reading that is under way; safe to repeat."""
        asked, self._asked = self._asked, None
        if asked is not None and asked.get_loop() is asyncio.get_running_loop():
            asked.cancel()
            await asyncio.wait([asked])

    async def _make(self, read: Callable[[], Awaitable[Readings]]) -> Readings:
        try:
            found = await read()
        finally:
            self._made_at = time.monotonic()
        self._is_away = found is REDIS_IS_AWAY
        return found


def _is_old(made_at: float) -> bool:
    return time.monotonic() - made_at >= KEPT_S
