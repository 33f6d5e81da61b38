"""Enqueues the task of each tick when it is due.

Each tick is stored by one step in Redis that compares it with the last one of its entry. So a
repeated call, a second leader and a clock that goes back never make a second task of it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.new_tasks.prepare import info_of, prepare
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import enqueue, schedulers
from pyasynq.broker.operations.schedulers import Tick, TickAnswer, TickRecord
from pyasynq.clock import NANOSECONDS, redis_now_s, to_datetime
from pyasynq.errors import PyasynqError
from pyasynq.identifiers import new_task_id
from pyasynq.lifecycle.backoff import Backoff
from pyasynq.lifecycle.component import Life
from pyasynq.lifecycle.outage import LoggedOnce
from pyasynq.scheduler.entry import Entry
from pyasynq.scheduler.hooks import Hooks
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.plan import Plan, Planned
from pyasynq.scheduler.resources import SchedulerResources
from pyasynq.shown import shown
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.records import EnqueueEventRecord

logger = logging.getLogger("pyasynq.scheduler")

BATCH = 100  # entries in one round trip
KNOWN_S = 90 * 86_400  # for how long a tick is known after the next one is due
HISTORY_S = 30 * 86_400  # for how long events are kept after the last one
LONGEST_SLEEP_S = 1.0  # then it looks at the clock again, which may have jumped
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 1.0


class Ticker:
    """The loop that enqueues.

    Attributes:
        plan: the entries as this scheduler knows them while it leads.
    """

    name = "ticker"

    def __init__(self, resources: SchedulerResources, leadership: Leadership, hooks: Hooks) -> None:
        self._resources, self._leadership, self._hooks = resources, leadership, hooks
        self._clock, self._runner = resources.clock, resources.runner
        self._changed = resources.changed
        self._backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S, random=resources.random)
        self._troubles = LoggedOnce(logger, "cannot enqueue the tick of %s: %s")
        self.plan = Plan()

    async def run(self, life: Life) -> None:
        """Enqueue what is due until the stop."""
        life.started()
        life.on_stop(self._changed.set)
        await life.until_stop(self._go_on(life))

    async def fire_due(self) -> int:
        """Enqueue all that is due; return how many tasks that made.

        Raises:
            PyasynqError: it concerns Redis as a whole.
        """
        await self._learn()
        stored = 0
        while due := self.plan.take_due(self._clock.redis_now_ns(), BATCH):
            try:
                stored += await self._fire(due)
            finally:
                for each in due:
                    self.plan.put_back(each)
        return stored

    async def _go_on(self, life: Life) -> None:
        while not life.stopping.is_set():
            self._changed.clear()
            if not self._leadership.is_leading:
                self.plan.keep_only(())
                await self._wait(LONGEST_SLEEP_S)
                continue
            try:
                await self.fire_due()
            except PyasynqError as error:
                self._resources.outage.failed(error, component=self.name)
                await life.pause(self._backoff.next_s())
                continue
            if self._resources.outage.is_on:
                self._resources.outage.worked(component=self.name)
            self._backoff.reset()
            await self._wait(self._sleep_s())

    async def _learn(self) -> None:
        """Read the records of entries that are new, and forget those that are gone."""
        entries = self._resources.entries
        self.plan.keep_only(entries)
        new = [entry for entry in list(entries.values()) if entry.id not in self.plan]
        now_s = redis_now_s(self._clock)
        for at in range(0, len(new), BATCH):
            some = new[at : at + BATCH]
            answers = await self._runner.run_all(
                [
                    schedulers.read_tick(
                        queue_keys(entry.queue, self._resources.namespace),
                        entry.id,
                        now_s=now_s,
                        ttl_s=_known_for_s(entry, now_s),
                    )
                    for entry in some
                ],
                patience_s=0,
            )
            raise_first(answers, which=concerns_redis_as_a_whole)
            for entry, answer in zip(some, answers, strict=True):
                self._take_in(entry, answer)

    def _take_in(self, entry: Entry, answer: TickRecord | PyasynqError) -> None:
        now_ns = self._clock.redis_now_ns()
        if isinstance(answer, PyasynqError):  # the guard of each tick will tell again
            self._troubles.begins(answer, _named(entry))
            answer = TickRecord(now_ns // NANOSECONDS)
        self.plan.add(entry, answer, now_ns)

    async def _fire(self, due: Sequence[Planned]) -> int:
        """Enqueue one batch; return how many tasks that made."""
        now_ns = self._clock.redis_now_ns()
        tried = [each for each in due if await self._is_prepared(each, now_ns)]
        queues = sorted({each.entry.queue for each in tried})
        namespace = self._resources.namespace
        answers = await self._runner.run_all(
            [
                *(enqueue.register_queue(queue, namespace=namespace) for queue in queues),
                *(_operation(each, now_ns) for each in tried),
            ],
            patience_s=0,
        )
        results = list(zip(tried, answers[len(queues) :], strict=True))
        await self._record(results, now_ns)
        for planned, answer in results:
            if not concerns_redis_as_a_whole(answer):
                await self._on_result(planned, answer, now_ns)
        raise_first(answers, which=concerns_redis_as_a_whole)
        return sum(_is_stored(answer) for _planned, answer in results)

    async def _is_prepared(self, planned: Planned, now_ns: int) -> bool:
        """Make the task of a tick, unless it was made before; False if that cannot be done."""
        entry, keys = planned.entry, queue_keys(planned.entry.queue, self._resources.namespace)
        if planned.item is None:
            await self._hooks.before(entry.task, entry.options)
            try:
                planned.item = prepare(
                    entry.task, entry.options, keys, now_ns=now_ns, new_id=new_task_id
                )
            except PyasynqError as error:
                await self._failed(planned, error)
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
        for answer in await self._runner.run_all(operations, patience_s=0):
            if isinstance(answer, PyasynqError):
                logger.warning("cannot record what was enqueued: %s", shown(str(answer)))
                return

    async def _on_result(
        self, planned: Planned, answer: TickAnswer | PyasynqError, now_ns: int
    ) -> None:
        """Tell what became of a tick, and go on to the next one."""
        item, tick_s = planned.item, planned.tick_s or 0
        if isinstance(answer, PyasynqError):
            await self._failed(planned, answer)
        elif answer.refusal is not None:
            await self._failed(planned, answer.refusal)
        else:
            self._troubles.ends(_named(planned.entry))
            _log_passed(planned, answer)
            if answer.tick is Tick.STORED and item is not None:
                await self._hooks.after(info_of(item, now=to_datetime(now_ns)), None)
        planned.is_paused = _has(answer, Tick.PAUSED)
        last_s = answer.last_s if isinstance(answer, TickAnswer) else None
        planned.done(max(tick_s, last_s or 0), now_ns, has_task=_is_stored(answer))

    async def _failed(self, planned: Planned, error: PyasynqError) -> None:
        entry = planned.entry
        self._troubles.begins(error, _named(entry))
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


def _operation(planned: Planned, now_ns: int) -> Operation[TickAnswer]:
    entry, item, tick_s = planned.entry, planned.item, planned.tick_s
    assert item is not None and tick_s is not None  # noqa: S101, PT018 - as it is due
    return schedulers.enqueue_tick(
        item,
        entry.id,
        tick_s=tick_s,
        ttl_s=_known_for_s(entry, tick_s),
        now_ns=now_ns,
        overlap=entry.policy.overlap,
    )


def _known_for_s(entry: Entry, at_s: int) -> int:
    """Return for how long a tick must be known: well beyond the next one."""
    following = entry.schedule.next_after(to_datetime(at_s * NANOSECONDS))
    return KNOWN_S + (0 if following is None else int(following.timestamp()) - at_s)


def _is_stored(answer: object) -> bool:
    return _has(answer, Tick.STORED)


def _has(answer: object, tick: Tick) -> bool:
    return isinstance(answer, TickAnswer) and answer.tick is tick


def _log_passed(planned: Planned, answer: TickAnswer) -> None:
    """Say why a tick made no task."""
    named = _named(planned.entry)
    if answer.tick is Tick.UNFINISHED:
        logger.info(
            "%s: a tick passes, for task %s is not done yet", named, shown(answer.earlier_id)
        )
    elif answer.tick is Tick.PAUSED and not planned.is_paused:
        logger.info("%s is paused; its ticks pass", named)


def _named(entry: Entry) -> str:
    return f"{shown(entry.task.type)} ({shown(entry.schedule.spec)})"
