"""Dequeues tasks from the queues of a server, in few round trips.

What is known of each queue is kept here: whether Redis refuses it, whether the server may block
until a task is pushed to it, and which dequeues have answers that were lost or came late.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from pyasynq.broker.operations import dequeue
from pyasynq.broker.operations.dequeue import Fetched, Waiter
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import NANOSECONDS, Clock
from pyasynq.errors import ConfigError, PyasynqError, RedisUnavailableError
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.attempt.lease import lease_expires_at_s
from pyasynq.worker.fetch.queue_order import Plan, Strategy

logger = logging.getLogger("pyasynq.processor")

ASK_AGAIN_S = 1.0  # a queue that Redis refuses
GENERAL = (RedisUnavailableError, ConfigError)  # what concerns Redis as a whole, not one queue


class Take(Protocol):
    """Takes what one dequeue brought."""

    def __call__(self, keys: QueueKeys, fetched: Fetched, owner: str, lease_until_s: int) -> None:
        """Take tasks that are leased to *owner*, and learn of IDs that were dropped."""


class Fetcher:
    """Leases tasks to this server.

    Args:
        strategy: says which queues are asked, and for how many tasks.
        owners: makes the token that marks the tasks of one dequeue, never the same twice.
        may_wait: tells whether to ask for a place among those that wait for a push to a queue.
        take: gets the tasks.
    """

    def __init__(
        self,
        runner: AsyncRunner,
        clock: Clock,
        keys: Sequence[QueueKeys],
        strategy: Strategy,
        *,
        lease_s: float,
        server_id: str,
        owners: Callable[[], str],
        may_wait: Callable[[str], bool],
        take: Take,
    ) -> None:
        self._runner = runner
        self._clock = clock
        self._keys = {each.queue: each for each in keys}
        self._strategy = strategy
        self._lease_s = lease_s
        self._server_id = server_id
        self._owners = owners
        self._may_wait = may_wait
        self._take = take
        self._waitable: dict[str, QueueKeys] = {}
        self._in_doubt: list[tuple[QueueKeys, str, int]] = []  # of each dequeue, its lease
        self._refusals: dict[str, str] = {}
        self._not_before: dict[str, float] = {}  # monotonic, of queues that Redis refuses

    @property
    def waitable(self) -> Collection[QueueKeys]:
        """The queues that had no task, at the last fetch, and where the server may wait for one."""
        return self._waitable.values()

    async def fetch(self, room: int, stopping: asyncio.Event) -> int:
        """Dequeue up to *room* tasks, fewer once *stopping* is set; return how many there were.

        Raises:
            PyasynqError: it concerns Redis as a whole.
        """
        found = await self.resolve_doubts() if self._in_doubt else 0
        self._waitable.clear()
        empty = self._refused() if self._not_before else set()
        while found < room and not stopping.is_set():
            plan = self._strategy.plan(room - found, empty)
            if not plan:
                break
            found += await self._fetch_planned(plan, empty)
        return found

    def _refused(self) -> set[str]:
        """Return the queues that are not asked yet again."""
        now = self._clock.monotonic()
        return {queue for queue, until in self._not_before.items() if until > now}

    async def resolve_doubts(self) -> int:
        """Take what dequeues brought whose answers were lost or late, if it is still ours.

        Raises:
            PyasynqError: it concerns Redis as a whole.
        """
        found = 0
        while self._in_doubt:
            keys, owner, expires_at_s = self._in_doubt[-1]
            operation = dequeue.list_owned(keys, owner=owner, lease_expires_at_s=expires_at_s)
            (tasks,) = await self._runner.run_all([operation], patience_s=0)
            if isinstance(tasks, GENERAL):
                raise tasks
            self._in_doubt.pop()
            if isinstance(tasks, BaseException):
                self._on_refusal(keys, tasks)
                continue
            self._take(keys, Fetched(tasks=tasks), owner, expires_at_s)
            found += len(tasks)
        return found

    async def _fetch_planned(self, plan: Plan, empty: set[str]) -> int:
        """Make one round trip; queues that gave less than asked for are added to *empty*."""
        expires_at_s = lease_expires_at_s(self._clock, self._lease_s)
        waiter = Waiter(server_id=self._server_id, now_s=self._clock.redis_now_s())
        asked = [(self._keys[queue], count, self._owners()) for queue, count in plan]
        answers = await self._runner.run_all(
            [
                dequeue.dequeue_many(
                    keys,
                    count=count,
                    owner=owner,
                    lease_expires_at_s=expires_at_s,
                    waiter=waiter if self._may_wait(keys.queue) else None,
                )
                for keys, count, owner in asked
            ],
            patience_s=0,
        )
        found = 0
        trouble: PyasynqError | None = None
        for (keys, count, owner), answer in zip(asked, answers, strict=True):
            if isinstance(answer, Fetched):
                self._on_answer(keys)
                if answer.tasks and self._is_over(expires_at_s):
                    self._in_doubt.append((keys, owner, expires_at_s))
                else:
                    self._take(keys, answer, owner, expires_at_s)
                found += len(answer.tasks)
                if len(answer.tasks) + len(answer.dropped) < count:
                    empty.add(keys.queue)
                if answer.may_wait:
                    self._waitable[keys.queue] = keys
                continue
            empty.add(keys.queue)
            if not isinstance(answer, GENERAL):
                self._on_refusal(keys, answer)
                continue
            trouble = answer
            if isinstance(answer, RedisUnavailableError) and answer.may_have_happened:
                self._in_doubt.append((keys, owner, expires_at_s))
        if trouble is not None:
            raise trouble
        return found

    def _is_over(self, expires_at_s: int) -> bool:
        """Tell whether a lease ended on the way here: others may have taken the tasks over."""
        return self._clock.redis_now_ns() >= expires_at_s * NANOSECONDS

    def _on_refusal(self, keys: QueueKeys, error: BaseException) -> None:
        """Say once what keeps tasks of a queue from being fetched; ask it again in a second."""
        if self._refusals.get(keys.queue) != str(error):
            logger.error("cannot fetch tasks of queue %s: %s", keys.queue, error)
        self._refusals[keys.queue] = str(error)
        self._not_before[keys.queue] = self._clock.monotonic() + ASK_AGAIN_S

    def _on_answer(self, keys: QueueKeys) -> None:
        if self._not_before:
            self._not_before.pop(keys.queue, None)
            self._refusals.pop(keys.queue, None)
