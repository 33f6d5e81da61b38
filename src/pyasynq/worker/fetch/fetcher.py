"""Dequeues tasks from the queues of a server, in few round trips.

What is known of each queue is kept here: whether Redis refuses it, whether the server may block
until a task is pushed to it, and which dequeues have answers that were lost or came late.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import dequeue
from pyasynq.broker.operations.dequeue import Fetched, Leased, Waiter
from pyasynq.clock import NANOSECONDS, redis_now_s
from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.lifecycle.outage import LoggedOnce
from pyasynq.options import to_seconds
from pyasynq.shown import listed
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.attempt.lease import lease_expires_at_s
from pyasynq.worker.fetch.queue_order import Plan, strategy
from pyasynq.worker.floods import Floods
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.processor")

COMPONENT = "processor"
ASK_AGAIN_S = 1.0  # a queue that Redis refuses
SLACK_S = 0.05  # a timer may come a little early


class Dequeue(msgspec.Struct, frozen=True, gc=False):
    """One call of a dequeue; its tasks are marked with *owner*, which no other call has."""

    keys: QueueKeys
    owner: str
    lease_expires_at_s: int


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Tasks that one dequeue brought, which are ours."""

    dequeue: Dequeue
    tasks: list[Leased]


class Fetcher:
    """Leases tasks to this server.

    Args:
        owners: makes the token that marks the tasks of one dequeue, never the same twice.
        may_wait: whether to ask to be one of the servers that wait for a push to a queue.
        known_empty: queues that need not be asked; it changes from fetch to fetch.
        waits_s: how long the server may wait for a push before it asks again.
    """

    def __init__(
        self,
        resources: ServerResources,
        *,
        owners: Callable[[], str],
        may_wait: Callable[[str], bool],
        known_empty: Collection[str] = (),
        waits_s: int = 60,
    ) -> None:
        config = resources.config
        self._runner = resources.runner
        self._clock, self._changed = resources.clock, resources.changed
        self._keys = {each.queue: each for each in resources.queues}
        self._strategy = strategy(
            config.queues, is_strict=config.strict_priority, random=resources.random
        )
        self._lease_s = to_seconds(config.lease_duration)
        self._server_id = resources.server_id
        self._owners = owners
        self._may_wait = may_wait
        self._known_empty = known_empty
        self._waits_s = waits_s
        self._waitable: dict[str, QueueKeys] = {}
        self._in_doubt: list[Dequeue] = []
        self._outage = resources.outage
        self._refusals = LoggedOnce(
            logger, "cannot fetch tasks of queue %s: %s", outage=self._outage
        )
        self._floods = Floods(resources.clock, lines_per_s=1)
        self._not_before: dict[str, float] = {}  # monotonic, of queues that Redis refuses

    @property
    def waitable(self) -> Collection[QueueKeys]:
        """The queues found empty by the last fetch, where the server may wait for a push."""
        return self._waitable.values()

    @property
    def is_in_doubt(self) -> bool:
        """Whether tasks may be leased to this server that it has not seen."""
        if not self._in_doubt:
            return False
        refused = self._refused()
        return any(call.keys.queue not in refused for call in self._in_doubt)

    async def fetch(self, room: int, may_go_on: Callable[[], bool]) -> AsyncIterator[Batch]:
        """Dequeue up to *room* tasks; yield what each dequeue brought.

        Args:
            may_go_on: asked before each further round trip.

        Raises:
            PyasynqError: it concerns Redis as a whole.
        """
        found = 0
        if self._in_doubt:
            async for batch in self.resolve_doubts():
                found += len(batch.tasks)
                yield batch
            if not may_go_on():
                return
        self._waitable.clear()
        empty = self._not_asked()
        while found < room and (plan := self._strategy.plan(room - found, empty)):
            trouble: PyasynqError | None = None
            for call, count, answer in await self._dequeue(plan):
                if not isinstance(answer, Fetched):
                    empty.add(call.keys.queue)
                    trouble = self._on_error(call, answer) or trouble
                    continue
                # Those in doubt count, too: they take slots once it is known that they are ours.
                found += len(answer.tasks)
                if self._accept(call, count, answer, empty):
                    yield Batch(call, answer.tasks)
            if trouble is not None:
                raise trouble
            if not may_go_on():
                break

    async def resolve_doubts(self) -> AsyncIterator[Batch]:
        """Yield what dequeues brought whose answers were lost or late, if it is still ours.

        Raises:
            PyasynqError: it concerns Redis as a whole.
        """
        refused = self._refused()
        for call in reversed([each for each in self._in_doubt if each.keys.queue not in refused]):
            operation = dequeue.list_owned(
                call.keys, owner=call.owner, lease_expires_at_s=call.lease_expires_at_s
            )
            (answer,) = await self._runner.run_all([operation], patience_s=0)
            if self._is_of_its_node(call.keys, answer):
                continue
            raise_first([answer], which=concerns_redis_as_a_whole)
            self._in_doubt.remove(call)
            if isinstance(answer, BaseException):
                self._on_refusal(call.keys, answer)
            else:
                yield Batch(call, answer)

    def _not_asked(self) -> set[str]:
        """Return the queues that are known to be empty, or that refused us a moment ago."""
        queues = set(self._known_empty)
        return queues | self._refused() if self._not_before else queues

    def _refused(self) -> set[str]:
        """Return the queues that are not asked again yet."""
        now = self._clock.monotonic()
        return {queue for queue, until in self._not_before.items() if until > now}

    async def _dequeue(self, plan: Plan) -> Iterable[tuple[Dequeue, int, Any]]:
        """Make one round trip; return each call, how many tasks it asked for, and its answer."""
        expires_at_s = lease_expires_at_s(self._clock, self._lease_s)
        waiter = Waiter(
            server_id=self._server_id, now_s=redis_now_s(self._clock), waits_s=self._waits_s
        )
        calls, counts, operations = [], [], []
        for queue, count in plan:
            keys, owner = self._keys[queue], self._owners()
            calls.append(Dequeue(keys, owner, expires_at_s))
            counts.append(count)
            operations.append(
                dequeue.dequeue_many(
                    keys,
                    count=count,
                    owner=owner,
                    lease_expires_at_s=expires_at_s,
                    waiter=waiter if self._may_wait(queue) else None,
                )
            )
        answers = await self._runner.run_all(operations, patience_s=0)
        return zip(calls, counts, answers, strict=True)

    def _accept(self, call: Dequeue, count: int, answer: Fetched, empty: set[str]) -> bool:
        """Note what an answer says of its queue; return whether it brought tasks that are ours.

        A queue that gave fewer than *count* is added to *empty*.
        """
        queue = call.keys.queue
        if len(answer.tasks) + len(answer.dropped) < count:
            empty.add(queue)
        if answer.may_wait:
            self._waitable[queue] = call.keys
        if answer.dropped:
            self._log_dropped(queue, answer.dropped)
        if self._not_before:
            self._not_before.pop(queue, None)
            self._refusals.ends(queue)
            self._outage.worked(component=COMPONENT, queue=queue)
        if not answer.tasks:
            return False
        if self._clock.redis_now_ns() < call.lease_expires_at_s * NANOSECONDS:
            return True
        self._in_doubt.append(call)  # others may have taken the tasks over meanwhile
        return False

    def _log_dropped(self, queue: str, task_ids: Sequence[str]) -> None:
        count = len(task_ids)
        if not self._floods.is_flooded(queue, partial(_sum_up_dropped, queue), count=count):
            some = listed(task_ids)
            logger.warning("dropped %d ids without a task from queue %s: %s", count, queue, some)

    def _on_error(self, call: Dequeue, error: PyasynqError) -> PyasynqError | None:
        """Note what an error says of its queue; return it if it concerns Redis as a whole."""
        if not concerns_redis_as_a_whole(error):
            self._on_refusal(call.keys, error)
            return None
        if isinstance(error, RedisUnavailableError) and error.may_have_happened:
            self._in_doubt.append(call)
        return None if self._is_of_its_node(call.keys, error) else error

    def _is_of_its_node(self, keys: QueueKeys, answer: object) -> bool:
        """Note that the node of a queue does not answer, if so; other queues are fetched from."""
        is_so = self._outage.failed_at_node(answer, component=COMPONENT, queue=keys.queue)
        if is_so:
            self._not_before[keys.queue] = self._clock.monotonic() + ASK_AGAIN_S
            # An idle server would only poll, and not learn that it can be woken by pushes again.
            asyncio.get_running_loop().call_later(ASK_AGAIN_S + SLACK_S, self._changed.set)
        return is_so

    def _on_refusal(self, keys: QueueKeys, error: object) -> None:
        """Log once what keeps tasks of a queue from being fetched; ask it again in a second."""
        self._refusals.begins(error, keys.queue)
        self._not_before[keys.queue] = self._clock.monotonic() + ASK_AGAIN_S


def _sum_up_dropped(queue: str, count: int) -> None:
    logger.warning(
        "dropped %d more ids without a task from queue %s in the last second", count, queue
    )
