"""Waits, when there was no task, until it makes sense to fetch again.

For queues where the server has a place among those that wait, a push wakes it; the others are
polled, with one question for all of them, at about `task_check_interval`.
"""

import asyncio
from collections.abc import Collection
from random import Random

from pyasynq.clock import Clock
from pyasynq.errors import PyasynqError
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.fetch.wake_up import RENEW_S, WakeUp
from pyasynq.worker.queue_probe import QueueProbe


class IdleWait:
    """The waits of one server; used on its event loop only.

    Args:
        pending: tells which queues have pending tasks.
        wake_up: sets *changed* when a task is pushed.
        changed: set by whatever may make a fetch worthwhile.
        queues: how many the server has.
        check_s: how often queues are polled, on average.
        random: spreads the polls of many servers.
    """

    def __init__(
        self,
        clock: Clock,
        pending: QueueProbe,
        wake_up: WakeUp,
        changed: asyncio.Event,
        *,
        queues: int,
        check_s: float,
        random: Random,
    ) -> None:
        self._clock = clock
        self._pending = pending
        self._wake_up = wake_up
        self._changed = changed
        self._queues = queues
        self._check_s = check_s
        self._random = random
        self._loop = asyncio.get_running_loop()

    async def wait(self, waitable: Collection[QueueKeys]) -> None:
        """Return when something changes, a polled queue has a task, or after a minute.

        Args:
            waitable: the queues where the server may block until a task is pushed.
        """
        self._wake_up.watch(waitable)
        is_polled = len(waitable) < self._queues
        end = self._clock.monotonic() + RENEW_S
        while self._clock.monotonic() < end:
            wait_s = self._check_s * (0.5 + self._random.random()) if is_polled else RENEW_S
            if await self._is_changed(within_s=wait_s):
                return
            if is_polled and await self._is_any_pending():
                return

    async def _is_changed(self, *, within_s: float) -> bool:
        """Wait until something changes, and tell whether it did; cheaper than asyncio.timeout."""
        timer = self._loop.call_later(within_s, self._wake_unchanged)
        try:
            await self._changed.wait()
        finally:
            timer.cancel()
        return self._changed.is_set()

    def _wake_unchanged(self) -> None:
        """Wake who waits for a change, and leave none behind: the next wait is a wait again."""
        if not self._changed.is_set():
            self._changed.set()
            self._changed.clear()

    async def _is_any_pending(self) -> bool:
        try:
            return bool(await self._pending.queues())
        except PyasynqError:
            return True  # the fetch will say what is wrong
