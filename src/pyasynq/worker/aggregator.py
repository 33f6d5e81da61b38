"""Puts one task in the place of the members of a group that is due.

A due group loses its oldest members to an aggregation set. The function of the user makes one
task of them, and a single script stores it and deletes them. Whatever fails on the way leaves the
set, and after its deadline any recoverer gives the members back to their group.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction
from uuid import uuid4

from pyasynq.broker import groups
from pyasynq.broker.groups import Member
from pyasynq.broker.prepare import Prepared, prepare
from pyasynq.broker.runner_async import AsyncRunner
from pyasynq.clock import NANOSECONDS, Clock
from pyasynq.errors import ConfigError, PayloadError, PyasynqError, RedisUnavailableError
from pyasynq.identifiers import new_task_id
from pyasynq.lifecycle import Life, every
from pyasynq.options import EnqueueOptions, to_seconds
from pyasynq.task import Task
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import TaskMessage, decode
from pyasynq.worker.aggregation import Aggregation, Aggregations
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.error_text import error_text
from pyasynq.worker.outcome import task_of
from pyasynq.worker.pools import ThreadPool

logger = logging.getLogger("pyasynq.aggregator")

LONGEST_INTERVAL_S = 7.0  # asynq v0.26 aggregator.go: maxAggregationCheckInterval
SET_LIFETIME_S = 120  # asynq v0.26 rdb.go: aggregationTimeout
FINISH_MARGIN_S = 5  # before the deadline of a set its aggregate must be written
AT_ONCE = 3  # asynq v0.26 aggregator.go: maxConcurrentAggregationChecks
CHECKS_PER_ROUND_TRIP = 100
MOST_REFUSED = 100  # groups remembered, so that each is complained of once


class Aggregator:
    """The pass that aggregates, at the shortest grace period or 7 s.

    Args:
        on_pending: called when an aggregate became pending.
        on_due: called with the time in nanoseconds at which a scheduled aggregate is due.
    """

    name = "aggregator"

    def __init__(
        self,
        runner: AsyncRunner,
        config: ServerConfig,
        clock: Clock,
        queues: Sequence[QueueKeys],
        aggregations: Aggregations,
        *,
        on_pending: Callable[[], None],
        on_due: Callable[[int], None],
    ) -> None:
        self._runner = runner
        self._config = config
        self._clock = clock
        self._queues = queues
        self._aggregations = aggregations
        self._on_pending = on_pending
        self._on_due = on_due
        self._places = asyncio.Semaphore(AT_ONCE)
        self._threads = ThreadPool(AT_ONCE)
        self._stopping = asyncio.Event()
        self._refused: set[tuple[str, str]] = set()

    async def run(self, life: Life) -> None:
        """Aggregate at the interval until the stop; then end what is under way."""
        self._stopping = life.stopping
        grace_s = min(self._grace_s(each) for each in self._aggregations.all())
        try:
            await every(min(LONGEST_INTERVAL_S, grace_s), self.aggregate, life, name=self.name)
        finally:
            self._threads.close()

    async def aggregate(self) -> int:
        """Make one pass over all groups; return how many aggregates were made."""
        passes = [self._try_queue(keys) for keys in self._queues]
        return sum(await asyncio.gather(*passes))

    async def _try_queue(self, keys: QueueKeys) -> int:
        try:
            return await self._aggregate_queue(keys)
        except RedisUnavailableError:
            raise
        except PyasynqError as error:
            self._on_refusal(keys, "", error)
            return 0

    def _on_refusal(self, keys: QueueKeys, group: str, error: PyasynqError) -> None:
        """Say once what keeps a group, or a queue, from being aggregated; others go on."""
        place = keys.queue, group
        if place not in self._refused:
            logger.error("cannot aggregate group %r of queue %s: %s", group, keys.queue, error)
        if len(self._refused) < MOST_REFUSED:
            self._refused.add(place)

    async def _aggregate_queue(self, keys: QueueKeys) -> int:
        await self._restore(keys)
        made, cursor, is_first = 0, 0, True
        while cursor or is_first:
            is_first = False
            operation = groups.list_groups(keys, cursor=cursor, count=CHECKS_PER_ROUND_TRIP)
            cursor, names = await self._runner.run(operation, patience_s=0)
            ours = [(name, found) for name in names if (found := self._aggregations.find(name))]
            while ours and not self._stopping.is_set():
                ours = await self._check_all(keys, ours)
                made += len(ours)
        return made

    async def _restore(self, keys: QueueKeys) -> None:
        """List groups again whose names Go programs have forgotten."""
        skip = 0
        while skip >= 0:
            operation = groups.restore_groups(keys, now_s=self._now_s(), skip=skip)
            _restored, skip = await self._runner.run(operation, patience_s=0)

    async def _check_all(
        self, keys: QueueKeys, ours: Sequence[tuple[str, Aggregation]]
    ) -> list[tuple[str, Aggregation]]:
        """Aggregate the groups that are due; return them, for they may still be due."""
        now_s = self._now_s()
        checks = [(group, aggregation, str(uuid4())) for group, aggregation in ours]
        answers = await self._runner.run_all(
            [
                groups.check_aggregation(
                    keys,
                    group,
                    set_id=set_id,
                    now_s=now_s,
                    deadline_s=now_s + SET_LIFETIME_S,
                    grace_s=math.ceil(self._grace_s(aggregation)),
                    max_delay_s=math.ceil(self._max_delay_s(aggregation)),
                    max_size=self._max_size(aggregation),
                )
                for group, aggregation, set_id in checks
            ],
            patience_s=0,
        )
        due = []
        for check, answer in zip(checks, answers, strict=True):
            if isinstance(answer, RedisUnavailableError):
                raise answer
            if isinstance(answer, PyasynqError):
                self._on_refusal(keys, check[0], answer)
            elif answer:
                due.append(check)
        await asyncio.gather(*(self._settle(keys, *check) for check in due))
        return [(group, aggregation) for group, aggregation, _set_id in due]

    async def _settle(
        self, keys: QueueKeys, group: str, aggregation: Aggregation, set_id: str
    ) -> None:
        """Aggregate one set; a failure leaves it to be given back to the group."""
        async with self._places:
            try:
                await self._aggregate_set(keys, group, aggregation, set_id)
            except Exception:
                logger.exception(
                    "group %r of queue %r was not aggregated; its tasks go back to the group "
                    "within three minutes",
                    group,
                    keys.queue,
                )

    async def _aggregate_set(
        self, keys: QueueKeys, group: str, aggregation: Aggregation, set_id: str
    ) -> None:
        members = await self._read(keys, group, set_id)
        messages = await self._decode(keys, group, set_id, members)
        limit_s = SET_LIFETIME_S - FINISH_MARGIN_S
        tasks = [task_of(message) for message in messages]
        made = await self._call(aggregation, group, tasks, limit_s) if tasks else None
        now_ns = self._clock.redis_now_ns()
        aggregate = None if made is None else _prepared(made, keys, now_ns)
        locks = [(message.id, message.unique_key) for message in messages if message.unique_key]
        operation = groups.finish_aggregation(
            keys, group, set_id, aggregate, now_ns=now_ns, locks=locks
        )
        finished = await self._runner.run(operation)
        if finished.refusal is not None:
            raise finished.refusal
        if not finished.is_done:
            logger.warning("group %r took too long to aggregate; it will be again", group)
            return
        logger.info("aggregated %d tasks of group %r", len(members), group)
        if aggregate is not None and aggregate.process_at_ns is not None:
            self._on_due(aggregate.process_at_ns)
        else:
            self._on_pending()

    async def _read(self, keys: QueueKeys, group: str, set_id: str) -> list[Member]:
        members: list[Member] = []
        has_more = True
        while has_more:
            operation = groups.read_aggregation_set(keys, group, set_id, skip=len(members))
            page = await self._runner.run(operation)
            if page is None:
                raise PyasynqError("its aggregation set is gone")
            members += page.members
            has_more = page.has_more
        return members

    async def _decode(
        self, keys: QueueKeys, group: str, set_id: str, members: Sequence[Member]
    ) -> list[TaskMessage]:
        """Return the messages that can be read and are not too late; archive the unreadable."""
        messages, now_ns = [], self._clock.redis_now_ns()
        for member in members:
            if not member.data or (member.expires_at_ns or now_ns + 1) <= now_ns:
                continue
            try:
                messages.append(decode(member.data))
            except PayloadError:
                operation = groups.quarantine_member(
                    keys, group, set_id, member.task_id, now_s=self._now_s()
                )
                await self._runner.run(operation)
                logger.exception("task %s of group %r cannot be read", member.task_id, group)
        return messages

    async def _call(
        self, aggregation: Aggregation, group: str, tasks: list[Task], limit_s: float
    ) -> Task | None:
        """Call the function of the user, for as long as the set and a shutdown allow."""
        call = asyncio.ensure_future(self._called(aggregation, group, tasks))
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({call, stop}, timeout=limit_s, return_when="FIRST_COMPLETED")
            if stop.done():
                await asyncio.wait({call}, timeout=to_seconds(self._config.shutdown_timeout))
        finally:
            stop.cancel()
            if not call.done():
                call.cancel()
        if not call.done():
            raise TimeoutError(f"the aggregator of {aggregation.pattern!r} takes too long")
        made: object = await call
        if made is not None and not isinstance(made, Task):
            raise ConfigError(f"an aggregator must return a Task or None, not {made!r}")
        return made

    async def _called(self, aggregation: Aggregation, group: str, tasks: list[Task]) -> object:
        """Return what the function returns; whatever it raises concerns this group only."""
        try:
            if iscoroutinefunction(aggregation.function):
                return await aggregation.function(group, tasks)
            return await self._threads.run(aggregation.function, group, tasks)
        except BaseException as error:
            current = asyncio.current_task()
            if isinstance(error, Exception) or (current is not None and current.cancelling()):
                raise
            said = f"the aggregator of {aggregation.pattern!r} raised {error_text(error)}"
            raise PyasynqError(said) from error

    def _now_s(self) -> int:
        return self._clock.redis_now_ns() // NANOSECONDS

    def _grace_s(self, aggregation: Aggregation) -> float:
        own = aggregation.grace_period
        return to_seconds(self._config.group_grace_period if own is None else own)

    def _max_delay_s(self, aggregation: Aggregation) -> float:
        own = aggregation.max_delay
        return to_seconds(self._config.group_max_delay if own is None else own)

    def _max_size(self, aggregation: Aggregation) -> int:
        own = aggregation.max_size
        return self._config.group_max_size if own is None else own


def _prepared(aggregate: Task, keys: QueueKeys, now_ns: int) -> Prepared:
    """Return the aggregate as it is stored; it stays in the queue of its group.

    asynq v0.26 aggregator.go: the queue of the group wins over that of the task.
    """
    options = EnqueueOptions(queue=keys.queue).merged_over(aggregate.options)
    return prepare(aggregate, options, keys, now_ns=now_ns, new_id=new_task_id)
