"""Enqueues the task of each tick when it is due.

Each tick is stored by one step in Redis that compares it with the last one of its entry. So a
repeated call, a second leader and a clock that goes back never make a second task of it.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.broker.new_tasks.prepare import info_of, prepare
from pyasynq.broker.operations import enqueue, schedulers
from pyasynq.broker.operations.schedulers import Tick, TickAnswer, TickRecord
from pyasynq.clock import NANOSECONDS, redis_now_s, to_datetime
from pyasynq.errors import DuplicateTaskError, PyasynqError
from pyasynq.identifiers import new_task_id
from pyasynq.lifecycle.backoff import Backoff
from pyasynq.lifecycle.component import Life
from pyasynq.lifecycle.outage import LoggedOnce
from pyasynq.scheduler import tick_operations
from pyasynq.scheduler.entry import Entry
from pyasynq.scheduler.hooks import Hooks
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.plan import Plan, Planned
from pyasynq.scheduler.resources import SchedulerResources
from pyasynq.scheduler.tick_log import TickLog
from pyasynq.tracing import Ended
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.records import EnqueueEventRecord

logger = logging.getLogger("pyasynq.scheduler")

BATCH = 100  # entries in one round trip
HISTORY_S = 30 * 86_400  # for how long events are kept after the last one
LONGEST_SLEEP_S = 1.0  # then it looks at the clock again, which may have jumped
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 1.0
LAST_FIRE_S = 0.5  # at the stop, for the round trip that is under way


class _Away(msgspec.Struct):
    """What waits for the next pass because Redis is away, or a node of a cluster.

    Attributes:
        is_cluster: whether other queues may be reached nevertheless.
        error: the first one; None as long as there is none.
        queues: whose entries are not tried any more in this pass.
        waiting: entries of these queues that were due.
    """

    is_cluster: bool
    error: PyasynqError | None = None
    queues: set[str] = msgspec.field(default_factory=set)
    waiting: list[Planned] = msgspec.field(default_factory=list)

    def note(self, error: PyasynqError, *queues: str) -> None:
        """Take in that a call failed, for the keys of these queues."""
        self.error = self.error or error
        self.queues.update(queues)

    def check(self) -> None:
        """Raise the error, unless other queues may be reached."""
        if self.error is not None and not self.is_cluster:
            raise self.error


class Ticker:
    """The loop that enqueues.

    Args:
        on_tick: called with each tick and what came of it; None if nobody listens.

    Attributes:
        plan: the entries as this scheduler knows them while it leads.
    """

    name = "ticker"

    def __init__(
        self,
        resources: SchedulerResources,
        leadership: Leadership,
        hooks: Hooks,
        *,
        on_tick: Callable[[Planned, object], None] | None = None,
    ) -> None:
        self._resources, self._leadership, self._hooks = resources, leadership, hooks
        self._on_tick = on_tick
        self._clock, self._runner = resources.clock, resources.runner
        self._storing = resources.storing or resources.runner
        self._changed = resources.changed
        self._backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S, random=resources.random)
        self._log = TickLog(resources.clock)
        self._measures = resources.measures
        self._unrecorded = LoggedOnce(logger, "cannot record what was enqueued: %s")
        self._latest_ns = 0
        self.plan: Plan = Plan()

    async def run(self, life: Life) -> None:
        """Enqueue what is due until the stop."""
        life.stops_within_s = math.inf  # for it gives up by itself
        life.started()
        life.on_stop(self._changed.set)
        await life.until_stop(self._go_on(life), within_s=LAST_FIRE_S)

    async def fire_due(self, goes_on: Callable[[], bool] = lambda: True) -> int:
        """Enqueue all that is due; return how many tasks that made.

        Args:
            goes_on: asked before each round trip. False ends the pass; what is due stays so.

        Raises:
            PyasynqError: it concerns Redis as a whole, or a node of a cluster. What lies on other
                nodes was enqueued.
        """
        away, stored = _Away(self._resources.is_cluster), 0
        await self._learn(away)
        try:
            while goes_on() and (due := self.plan.take_due(self._clock.redis_now_ns(), BATCH)):
                try:
                    stored += await self._fire(due, away)
                finally:
                    self._take_back(due, away)
                if self._changed.is_set():
                    await self._learn(away)
        finally:
            for each in away.waiting:
                self.plan.put_back(each)
        if away.error is not None:
            raise away.error
        return stored

    async def _go_on(self, life: Life) -> None:
        def goes_on() -> bool:
            return self._leadership.is_leading and not life.stopping.is_set()

        while not life.stopping.is_set():
            if not self._leadership.is_leading:
                self._changed.clear()
                self.plan.keep_only({})
                await self._wait(LONGEST_SLEEP_S)
                continue
            try:
                await self.fire_due(goes_on)
            except PyasynqError as error:
                self._resources.outage.failed(error, component=self.name)
                await life.pause(self._backoff.next_s())
                continue
            if self._resources.outage.is_on:
                self._resources.outage.worked(component=self.name)
            self._backoff.reset()
            if not life.stopping.is_set():
                await self._wait(self._sleep_s())

    async def _learn(self, away: _Away) -> None:
        """Read the records of entries that are new or have changed; forget those that are gone."""
        self._changed.clear()
        self._notice_a_clock_that_was_ahead()
        entries = self._resources.entries
        for gone in self.plan.keep_only(entries):
            self._log.forget(gone)
        new = [entry for entry in list(entries.values()) if entry.id not in self.plan]
        now_s = redis_now_s(self._clock)
        for at in range(0, len(new), BATCH):
            some = [entry for entry in new[at : at + BATCH] if entry.queue not in away.queues]
            answers = await self._runner.run_all(
                [
                    tick_operations.read_tick(entry, self._resources.namespace, now_s)
                    for entry in some
                ],
                patience_s=0,
            )
            for entry, answer in zip(some, answers, strict=True):
                if concerns_redis_as_a_whole(answer):
                    away.note(answer, entry.queue)
                else:
                    self._take_in(entry, answer)
            away.check()

    def _notice_a_clock_that_was_ahead(self) -> None:
        """Read all records anew, which are ignored if they are from a time far ahead."""
        now_ns = self._clock.redis_now_ns()
        if now_ns < self._latest_ns - schedulers.TOO_FAR_AHEAD_S * NANOSECONDS:
            logger.warning("the clock of redis was ahead by more than a day; ticks start anew")
            self.plan.keep_only({})
        self._latest_ns = now_ns

    def _take_in(self, entry: Entry, answer: TickRecord | PyasynqError) -> None:
        now_ns = self._clock.redis_now_ns()
        if isinstance(answer, PyasynqError):  # the guard of each tick will tell again
            self._log.failed(entry, answer)
            answer = TickRecord(now_ns // NANOSECONDS)
        self.plan.add(entry, answer, now_ns)

    def _take_back(self, due: Sequence[Planned], away: _Away) -> None:
        for each in due:
            if each.entry.queue in away.queues:
                away.waiting.append(each)
            else:
                self.plan.put_back(each)

    async def _fire(self, due: Sequence[Planned], away: _Away) -> int:
        """Enqueue one batch; return how many tasks that made."""
        now_ns = self._clock.redis_now_ns()
        reachable = [each for each in due if each.entry.queue not in away.queues]
        tried = [each for each in reachable if await self._is_prepared(each, now_ns)]
        queues = sorted({each.entry.queue for each in tried})
        namespace = self._resources.namespace
        answers = await self._storing.run_all(
            [
                *(tick_operations.enqueue_tick(each, now_ns) for each in tried),
                *(enqueue.register_queue(queue, namespace=namespace) for queue in queues),
            ],
            patience_s=0,
        )
        results = list(zip(tried, answers[: len(tried)], strict=True))
        await self._record(results, now_ns)
        for planned, answer in results:
            if concerns_redis_as_a_whole(answer):
                away.note(answer, planned.entry.queue)
            else:
                await self._on_result(planned, answer, now_ns)
        for answer in filter(concerns_redis_as_a_whole, answers[len(tried) :]):
            away.note(answer)
        away.check()
        return sum(_is_stored(answer) for _planned, answer in results)

    async def _is_prepared(self, planned: Planned, now_ns: int) -> bool:
        """Make the task of a tick, unless it was made before; False if that cannot be done."""
        entry, keys = planned.entry, queue_keys(planned.entry.queue, self._resources.namespace)
        if planned.item is None:
            await self._hooks.before(entry.task, entry.options)
            try:
                task = planned.traced(self._resources.tracing)
                planned.item = prepare(task, entry.options, keys, now_ns=now_ns, new_id=new_task_id)
            except PyasynqError as error:
                await self._failed(planned, error)
                self._publish(planned, error)
                planned.done(planned.tick_s or 0, now_ns, has_task=False)
                return False
        return True

    async def _record(self, results: Sequence[tuple[Planned, Any]], now_ns: int) -> None:
        """Note which tasks were enqueued; nothing depends on that."""
        operations = [
            schedulers.record_event(
                planned.entry.id,
                EnqueueEventRecord(task_id=planned.item.id, enqueued_ns=now_ns),
                namespace=self._resources.namespace,
                ttl_s=HISTORY_S,
            )
            for planned, answer in results
            if planned.item is not None and _is_stored(answer)
        ]
        answers = await self._runner.run_all(operations, patience_s=0)
        failures = [answer for answer in answers if isinstance(answer, PyasynqError)]
        if failures:
            self._unrecorded.begins(failures[0])
        elif answers:
            self._unrecorded.ends()

    async def _on_result(
        self, planned: Planned, answer: TickAnswer | PyasynqError, now_ns: int
    ) -> None:
        """Tell what became of a tick, and go on to the next one."""
        entry, item = planned.entry, planned.item
        if isinstance(answer, PyasynqError):
            await self._failed(planned, answer)
        elif answer.refusal is not None:
            await self._failed(planned, answer.refusal)
        elif answer.tick is Tick.UNFINISHED:
            self._measures.add(entry.id, "unfinished")
            self._log.passed(entry, "the task of an earlier one is not done:", answer.earlier_id)
        elif answer.tick is Tick.PAUSED:
            self._measures.add(entry.id, "paused")
            self._log.passed(entry, "it is paused")
        elif answer.tick is Tick.STORED and item is not None:
            self._measures.add(entry.id, "enqueued")
            self._measures.enqueued((now_ns - planned.fires_ns) / NANOSECONDS)
            self._log.stored(entry)
            if planned.span is not None:
                planned.span.end(Ended(task_id=item.id))
            await self._hooks.after(info_of(item, now=to_datetime(now_ns)), None)
        self._publish(planned, answer)
        planned.answered(answer, now_ns)

    def _publish(self, planned: Planned, answer: object) -> None:
        if self._on_tick is not None:
            self._on_tick(planned, answer)

    async def _failed(self, planned: Planned, error: PyasynqError) -> None:
        entry = planned.entry
        is_duplicate = isinstance(error, DuplicateTaskError)
        self._measures.add(entry.id, "duplicate" if is_duplicate else "failed")
        if isinstance(error, DuplicateTaskError):
            self._log.passed(entry, "a task holds the same unique lock:", error.holder_id)
        else:
            self._log.failed(entry, error)
            if planned.span is not None:
                planned.span.end(Ended(error=error))
        await self._hooks.after(None, error)
        await self._hooks.failed(entry.task, entry.options, error)

    def _sleep_s(self) -> float:
        """Return how long it is until an entry is due, as far as the clock can be trusted."""
        next_ns = self.plan.next_ns
        if next_ns is None:
            return LONGEST_SLEEP_S
        ahead_s = (next_ns - self._clock.redis_now_ns()) / NANOSECONDS
        return min(LONGEST_SLEEP_S, max(0.0, ahead_s))

    async def _wait(self, within_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._changed.wait()


def _is_stored(answer: object) -> bool:
    return isinstance(answer, TickAnswer) and answer.tick is Tick.STORED
