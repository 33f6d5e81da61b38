"""Moves scheduled and retried tasks that are due to the pending list.

It sleeps until the next task is due, as far as it knows: the script returns the earliest due time,
and the finisher announces the retries of this server. Tasks of other producers are found at the
latest after `delayed_task_check_interval`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.broker.operations import maintain
from pyasynq.broker.operations.maintain import Forwarded
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import PyasynqError
from pyasynq.lifecycle.component import Life
from pyasynq.lifecycle.outage import LoggedOnce
from pyasynq.options import to_seconds
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.forwarder")

BATCH = 100
LONGEST_WAIT_S = 1.0  # for a Redis that cannot be reached
JITTER_S = 0.001  # so that the servers of one queue do not all wake at the same moment


class Forwarder:
    """The loop that forwards due tasks."""

    name = "forwarder"

    def __init__(self, resources: ServerResources) -> None:
        self._runner = resources.runner
        self._clock = resources.clock
        self._queues = resources.queues
        self._probe = resources.probe(lambda keys: (keys.scheduled, keys.retry))
        self._must_visit = True
        self._interval_s = to_seconds(resources.config.delayed_task_check_interval)
        self._random = resources.random
        self._changed = resources.changed
        self._next_ns = 0
        self._due_ns: int | None = None  # of the earliest task that is known to wait
        self._lateness = resources.measures.forward_lateness
        self._sooner = asyncio.Event()
        self._outage = resources.outage
        self._troubles = LoggedOnce(
            logger, "cannot forward all tasks of queue %s: %s", outage=self._outage
        )

    def expect(self, due_ns: int) -> None:
        """Wake at *due_ns*, in the time of Redis, if that is sooner than planned."""
        self._know(due_ns)
        if due_ns < self._next_ns:
            self._next_ns, self._must_visit = due_ns, True
            self._sooner.set()

    async def run(self, life: Life) -> None:
        """Forward until the stop."""
        life.started()
        life.on_stop(self._sooner.set)
        while not life.stopping.is_set():
            self._next_ns = self._clock.redis_now_ns() + int(self._interval_s * NANOSECONDS)
            await self.forward()
            while not life.stopping.is_set() and await self._sleep():
                pass

    async def forward(self) -> int:
        """Move all tasks that are due; return how many. A round trip per batch of every queue."""
        due_ns, self._due_ns = self._due_ns, None
        try:
            moved = await self._forward()
        except BaseException:
            self._know(due_ns)
            raise
        late_ns = 0 if due_ns is None else self._clock.redis_now_ns() - due_ns
        if moved and late_ns > 0:
            self._lateness.add(late_ns / NANOSECONDS)
        elif not moved:
            self._know(due_ns)
        return moved

    async def _forward(self) -> int:
        queues = await self._look()
        moved = 0
        while queues:
            now_ns = self._clock.redis_now_ns()
            answers = await self._runner.run_all(
                [maintain.forward(keys, now_ns=now_ns, limit=BATCH) for keys in queues],
                patience_s=0,
            )
            found = [
                (keys, answer)
                for keys, answer in zip(queues, answers, strict=True)
                if isinstance(answer, Forwarded)
            ]
            for _keys, forwarded in found:
                moved += forwarded.moved
                self._plan(forwarded.next_due_ns)
                self._know(forwarded.next_due_ns)
            for keys, answer in zip(queues, answers, strict=True):
                self._log_trouble(keys, answer)
            queues = [keys for keys, forwarded in found if forwarded.moved >= BATCH]
        if moved:
            logger.debug("forwarded %d tasks", moved)
            self._changed.set()
        return moved

    async def _look(self) -> Sequence[QueueKeys]:
        """Return the queues to visit: all if a task is known to wait, else if Redis has any."""
        if self._must_visit:
            self._must_visit = False
            return self._queues
        try:
            occupied = await self._probe.queues()
        except PyasynqError as error:
            self._log_trouble(self._queues[0], error)
            return ()
        if not occupied and self._outage.is_on:
            self._outage.worked(component=self.name)
        return occupied

    def _know(self, due_ns: int | None) -> None:
        """Remember when a task is due, for how late it will become pending."""
        if due_ns is not None:
            self._due_ns = due_ns if self._due_ns is None else min(self._due_ns, due_ns)

    def _plan(self, due_ns: int | None) -> None:
        """Keep the earliest due time."""
        if due_ns is not None:
            self._must_visit = True
            self._next_ns = min(self._next_ns, due_ns)

    def _log_trouble(self, keys: QueueKeys, answer: Any) -> None:
        """Tell of an outage, and log once what Redis refuses of this queue alone."""
        if concerns_redis_as_a_whole(answer):
            self._outage.failed(answer, component=self.name, queue=keys.queue)
            self._plan(self._clock.redis_now_ns() + int(LONGEST_WAIT_S * NANOSECONDS))
            return
        if self._outage.is_on:
            self._outage.worked(component=self.name, queue=keys.queue)
        trouble = _unreadable(keys, answer) if isinstance(answer, Forwarded) else answer
        if trouble:
            self._troubles.begins(trouble, keys.queue)
        else:
            self._troubles.ends(keys.queue)

    async def _sleep(self) -> bool:
        """Sleep until the next task is due; return whether that is still ahead."""
        self._sooner.clear()
        ahead_s = (self._next_ns - self._clock.redis_now_ns()) / NANOSECONDS
        wait_s = min(self._interval_s, max(0.0, ahead_s)) + self._random.random() * JITTER_S
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._sooner.wait()
                return self._next_ns > self._clock.redis_now_ns()
        return False


def _unreadable(keys: QueueKeys, forwarded: Forwarded) -> str:
    """Name the keys that are not sorted sets; empty if all are."""
    names = [keys.prefix + name for name in forwarded.unreadable]
    return f"not a sorted set: {', '.join(names)}; delete or rename what is there" if names else ""
