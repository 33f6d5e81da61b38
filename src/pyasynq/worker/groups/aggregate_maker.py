"""Makes one task of the members of a group that is due, and puts it in their place.

The members are moved to an aggregation set, the function of the user makes one task of them, and
a single script stores it and deletes them. Whatever fails on the way leaves the set, and after its
deadline any recoverer gives the members back to their group.
"""

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from uuid import uuid4

from pyasynq.broker.new_tasks.carried import carrying
from pyasynq.broker.new_tasks.prepare import PreparedTask, prepare
from pyasynq.broker.operations import groups
from pyasynq.broker.operations.groups import DueLimits, Member
from pyasynq.clock import redis_now_s
from pyasynq.errors import ConfigError, PayloadError, PyasynqError
from pyasynq.functions.returned import finished
from pyasynq.identifiers import new_task_id
from pyasynq.options import EnqueueOptions
from pyasynq.shown import LONGEST_ERROR, shown
from pyasynq.task import Task
from pyasynq.tracing import Tracing
from pyasynq.wire.error_text import error_text
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import TaskMessage, decode
from pyasynq.worker.attempt.outcome import task_of
from pyasynq.worker.floods import Floods
from pyasynq.worker.handlers.aggregators import Aggregation
from pyasynq.worker.handlers.context import enter_group
from pyasynq.worker.resources import ServerResources
from pyasynq.worker.task_tracing import aggregating
from pyasynq.worker.threads import Pool

logger = logging.getLogger("pyasynq.aggregator")

SET_LIFETIME_S = 120  # asynq v0.26 rdb.go: aggregationTimeout
FINISH_MARGIN_S = 5  # before the deadline of a set its aggregate must be written


class AggregateMaker:
    """Aggregates one group at a time; several may be under way.

    Args:
        threads: run the plain functions.
        stopping: set when the server stops.
        on_due: called with the time in nanoseconds at which a scheduled aggregate is due.
        tracing: makes a span of each call of an aggregator; None for no spans.
    """

    def __init__(
        self,
        resources: ServerResources,
        threads: Pool,
        *,
        stopping: asyncio.Event,
        on_due: Callable[[int], None],
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing
        self._address = resources.connector.address
        self._runner = resources.runner
        self._clock = resources.clock
        self._budget = resources.budget
        self._changed = resources.changed
        self._floods = Floods(resources.clock)
        self._counters = resources.counters
        self._threads = threads
        self._stopping = stopping
        self._on_due = on_due

    async def make(
        self, keys: QueueKeys, group: str, aggregation: Aggregation, limits: DueLimits
    ) -> bool:
        """Aggregate the oldest members of *group*, if it is due; return whether it was."""
        set_id, now_s = str(uuid4()), redis_now_s(self._clock)
        check = groups.check_aggregation(
            keys,
            group,
            set_id=set_id,
            now_s=now_s,
            deadline_s=now_s + SET_LIFETIME_S,
            **limits,
        )
        if not await self._runner.run(check, patience_s=0):
            return False
        members = await self._read(keys, group, set_id)
        messages = await self._decode(keys, group, set_id, members)
        tasks = [task_of(message) for message in messages]
        with aggregating(self._tracing, keys.queue, group, tasks, self._address) as headers:
            made = await self._call(keys, aggregation, group, tasks) if tasks else None
            now_ns = self._clock.redis_now_ns()
            aggregate = None if made is None else _prepared(made, keys, now_ns, headers)
            locks = [(message.id, message.unique_key) for message in messages if message.unique_key]
            operation = groups.finish_aggregation(
                keys, group, set_id, aggregate, now_ns=now_ns, locks=locks
            )
            finished = await self._runner.run(operation)
            if finished.refusal is not None:
                raise finished.refusal
        if not finished.is_done:
            logger.warning("group %r took too long to aggregate; it will be again", shown(group))
            return False
        self._counters.add("aggregated", keys.queue, "members", len(members))
        logger.info("aggregated %d tasks of group %r", len(members), shown(group))
        if aggregate is not None and aggregate.process_at_ns is not None:
            self._on_due(aggregate.process_at_ns)
        else:
            self._changed.set()
        return True

    async def _read(self, keys: QueueKeys, group: str, set_id: str) -> list[Member]:
        members: list[Member] = []
        has_more = True
        while has_more:
            operation = groups.read_aggregation_set(keys, group, set_id, skip=len(members))
            page = await self._runner.run(operation)
            if page is None:
                raise PyasynqError(
                    "another program has removed its aggregation set, or added to it"
                )
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
            except PayloadError as error:
                operation = groups.quarantine_member(
                    keys, group, set_id, member.task_id, now_s=redis_now_s(self._clock)
                )
                await self._runner.run(operation)
                self._log_unreadable(member.task_id, group, error)
        return messages

    def _log_unreadable(self, task_id: str, group: str, error: PayloadError) -> None:
        if not self._floods.is_flooded("", _sum_up_unreadable):
            text = "task %s of group %r cannot be read: %s"
            logger.error(text, shown(task_id), shown(group), shown(str(error), LONGEST_ERROR))

    async def _call(
        self, keys: QueueKeys, aggregation: Aggregation, group: str, tasks: list[Task]
    ) -> Task | None:
        """Call the function of the user, for as long as the set and a shutdown allow."""
        call = asyncio.ensure_future(self._outcome(keys, aggregation, group, tasks))
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            limit_s = SET_LIFETIME_S - FINISH_MARGIN_S
            await asyncio.wait({call, stop}, timeout=limit_s, return_when="FIRST_COMPLETED")
            if stop.done():
                await self._budget.wait([call], lambda: self._budget.handlers_s)
        finally:
            stop.cancel()
            if not call.done():
                call.cancel()
        if not call.done():
            raise TimeoutError(f"the aggregator of {aggregation.pattern!r} takes too long")
        made = await call
        if isinstance(made, BaseException):
            text = f"the aggregator of {aggregation.pattern!r} raised {error_text(made)}"
            raise PyasynqError(text) from made
        if made is not None and not isinstance(made, Task):
            kind = type(made).__name__  # not its value, which may hold what payloads hold
            raise ConfigError(f"an aggregator must return a Task or None, not {kind}")
        return made

    async def _outcome(
        self, keys: QueueKeys, aggregation: Aggregation, group: str, tasks: list[Task]
    ) -> object:
        """Return what the function returns, or raises; in an asyncio task of its own."""
        enter_group(keys.queue, group)
        function = aggregation.function
        try:
            if inspect.iscoroutinefunction(function):
                return await finished(await function(group, tasks))
            return await finished(await self._threads.run(function, group, tasks))
        except BaseException as error:  # noqa: BLE001 - a SystemExit must not end the loop
            return error


def _sum_up_unreadable(count: int) -> None:
    logger.error("%d more tasks of groups cannot be read in the last second", count)


def _prepared(
    aggregate: Task, keys: QueueKeys, now_ns: int, headers: Mapping[str, str]
) -> PreparedTask:
    """Return the aggregate as it is stored; it stays in the queue of its group.

    asynq v0.26 aggregator.go: the queue of the group wins over that of the task.
    """
    options = EnqueueOptions(queue=keys.queue).merged_over(aggregate.options)
    if headers:
        aggregate = carrying(aggregate, options, headers)
    return prepare(aggregate, options, keys, now_ns=now_ns, new_id=new_task_id)
