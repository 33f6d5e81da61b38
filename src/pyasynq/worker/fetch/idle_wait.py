"""Waits, when there was no task, until it makes sense to fetch again.

A push wakes the server if it is one of the few that may wait for one on that queue; the other
queues are polled, with one command for all of them, at about `task_check_interval`.
"""

import asyncio
from collections.abc import Collection

from pyasynq.errors import PyasynqError
from pyasynq.options import to_seconds
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.fetch.wake_up import WakeUp
from pyasynq.worker.resources import ServerResources


class IdleWait:
    """The waits of one server; used on its event loop only.

    Args:
        wake_up: sets `changed` of the resources when a task is pushed.
    """

    def __init__(self, resources: ServerResources, wake_up: WakeUp) -> None:
        self._clock = resources.clock
        self._pending = resources.probe(lambda keys: (keys.pending,))
        self._wake_up = wake_up
        self._changed = resources.changed
        self._queues = len(resources.config.queues)
        self._is_polled = True
        self._check_s = to_seconds(resources.config.task_check_interval)
        self._random = resources.random
        self._loop = asyncio.get_running_loop()

    def track(self, empty: Collection[QueueKeys]) -> None:
        """Take note of queues that were empty in a fetch that brought tasks of others."""
        if empty:
            self._wake_up.track(empty)

    def watch(self, empty: Collection[QueueKeys]) -> int:
        """Let pushes to the queues of an empty fetch wake the server; return how many can.

        Args:
            empty: the queues for whose pushes the server may wait.
        """
        watched = self._wake_up.watch(empty)
        self._is_polled = watched < self._queues
        return watched

    async def wait(self) -> None:
        """Return when something changes, a polled queue has a task, or it is time to ask again."""
        renew_s = self._wake_up.renew_s
        end = self._clock.monotonic() + renew_s
        while self._clock.monotonic() < end:
            is_polled = self._is_polled
            wait_s = self._check_s * (0.5 + self._random.random()) if is_polled else renew_s
            if await self._wait_for_change(within_s=wait_s):
                return
            if is_polled and await self._find_pending():
                return

    async def close(self) -> None:
        """Wait for no push any more."""
        await self._wake_up.close()

    async def _wait_for_change(self, *, within_s: float) -> bool:
        """Return whether something changed in time; cheaper than asyncio.timeout."""
        timer = self._loop.call_later(within_s, self._wake_unchanged)
        try:
            await self._changed.wait()
        finally:
            timer.cancel()
        return self._changed.is_set()

    def _wake_unchanged(self) -> None:
        """Wake the waiting task, but leave the event unset, so that the next wait waits again."""
        if not self._changed.is_set():
            self._changed.set()
            self._changed.clear()

    async def _find_pending(self) -> bool:
        try:
            return bool(await self._pending.queues())
        except PyasynqError:
            return True  # the fetch will find out what is wrong
