"""Moves scheduled and retried tasks that are due to the pending list.

It sleeps until the next task is due, as far as it knows: the script tells the earliest one, and
the finisher tells of retries of this server. Other producers' tasks are found at the latest after
`delayed_task_check_interval`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from pyasynq.broker.operations import maintain
from pyasynq.broker.operations.maintain import Forwarded
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import NANOSECONDS, Clock
from pyasynq.errors import RedisUnavailableError
from pyasynq.lifecycle.component import Life
from pyasynq.lifecycle.outage import Outage
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.queue_probe import QueueProbe

logger = logging.getLogger("pyasynq.forwarder")

BATCH = 100
LONGEST_WAIT_S = 1.0  # for a Redis that cannot be reached
JITTER_S = 0.001  # so that the servers of one queue do not all wake at the same moment


class Forwarder:
    """The loop that forwards due tasks.

    Args:
        interval_s: longest sleep.
        on_forward: called when tasks became pending.
        is_cluster: the queues lie in different slots.
    """

    name = "forwarder"

    def __init__(
        self,
        runner: AsyncRunner,
        clock: Clock,
        queues: Sequence[QueueKeys],
        *,
        interval_s: float,
        random: Random,
        on_forward: Callable[[], None],
        is_cluster: bool = False,
    ) -> None:
        self._runner = runner
        self._clock = clock
        self._queues = queues
        self._probe = QueueProbe(
            runner, queues, lambda keys: (keys.scheduled, keys.retry), is_cluster=is_cluster
        )
        self._must_visit = True
        self._interval_s = interval_s
        self._random = random
        self._on_forward = on_forward
        self._next_ns = 0
        self._sooner = asyncio.Event()
        self._outage = Outage(logger, "forwarding waits", "forwarding goes on")
        self._troubles: dict[str, str] = {}

    def expect(self, due_ns: int) -> None:
        """Wake at *due_ns*, in the time of Redis, if that is sooner than planned."""
        if due_ns < self._next_ns:
            self._next_ns, self._must_visit = due_ns, True
            self._sooner.set()

    async def run(self, life: Life) -> None:
        """Forward until the stop."""
        life.started()
        stop = asyncio.create_task(self._wake_on_stop(life), name="pyasynq forwarder stop")
        try:
            while not life.stopping.is_set():
                self._next_ns = self._clock.redis_now_ns() + int(self._interval_s * NANOSECONDS)
                await self.forward()
                while not life.stopping.is_set() and await self._sleep():
                    pass
        finally:
            stop.cancel()

    async def _wake_on_stop(self, life: Life) -> None:
        await life.stopping.wait()
        self._sooner.set()

    async def forward(self) -> int:
        """Move all tasks that are due; return how many. A round trip per batch of every queue."""
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
            self._tell(queues, answers)
            queues = [keys for keys, forwarded in found if forwarded.moved >= BATCH]
        if moved:
            logger.debug("forwarded %d tasks", moved)
            self._on_forward()
        return moved

    async def _look(self) -> Sequence[QueueKeys]:
        """Return the queues to visit: all if a task is known to wait, else if Redis has any."""
        if self._must_visit:
            self._must_visit = False
            return self._queues
        try:
            occupied = await self._probe.queues()
        except RedisUnavailableError as error:
            self._tell(self._queues[:1], [error])
            return ()
        if not occupied:
            self._outage.ends()
        return occupied

    def _plan(self, due_ns: int | None) -> None:
        """Keep the earliest due time."""
        if due_ns is not None:
            self._must_visit = True
            self._next_ns = min(self._next_ns, due_ns)

    def _tell(self, queues: Sequence[QueueKeys], answers: Sequence[Any]) -> None:
        """Tell of an outage as a whole, and of each queue that Redis refuses to forward."""
        lost = [answer for answer in answers if isinstance(answer, RedisUnavailableError)]
        if lost:
            self._outage.begins(lost[0])
            self._plan(self._clock.redis_now_ns() + int(LONGEST_WAIT_S * NANOSECONDS))
        else:
            self._outage.ends()
        for keys, answer in zip(queues, answers, strict=True):
            if isinstance(answer, Forwarded):
                self._complain(keys, _unreadable(keys, answer))
            elif answer not in lost:
                self._complain(keys, str(answer))

    def _complain(self, keys: QueueKeys, trouble: str) -> None:
        """Say once what keeps tasks of a queue from being forwarded; empty: nothing does."""
        if trouble and self._troubles.get(keys.queue) != trouble:
            logger.error("cannot forward all tasks of queue %s: %s", keys.queue, trouble)
        self._troubles[keys.queue] = trouble

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
    """Name the keys that are no sorted sets; empty for none."""
    names = [keys.prefix + name for name in forwarded.unreadable]
    return f"no sorted set: {', '.join(names)}; delete or rename what is there" if names else ""
