"""Enqueues the periodic tasks of an App when the clock of a test comes to their ticks."""

import logging
from collections.abc import Iterable

from pyasynq.answers import raise_first
from pyasynq.broker.new_tasks.prepare import prepare
from pyasynq.broker.operations import enqueue
from pyasynq.broker.operations.schedulers import Tick
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import FakeClock, redis_now_s
from pyasynq.errors import DuplicateTaskError, PyasynqError
from pyasynq.identifiers import new_task_id
from pyasynq.scheduler import tick_operations
from pyasynq.scheduler.entry import Entry
from pyasynq.scheduler.plan import Plan, Planned
from pyasynq.shown import shown
from pyasynq.tracing import Ended, Tracing
from pyasynq.wire.keys import queue_keys

logger = logging.getLogger("pyasynq.scheduler")

BATCH = 100


class DueTicks:
    """The ticks of periodic tasks, beginning with the first one after the time of the clock now.

    Args:
        entries: what ticks.
        clock: stands still until it is moved, from tick to tick.
        namespace: first word of all keys.
        tracing: makes a span of each tick; None for no spans.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        runner: Runner,
        clock: FakeClock,
        namespace: str,
        tracing: Tracing | None,
    ) -> None:
        self._runner, self._clock, self._tracing = runner, clock, tracing
        self._namespace = namespace
        self._plan = Plan()
        self._learn(list(entries))

    @property
    def next_ns(self) -> int | None:
        """When a tick is due the next time; None if none is in sight."""
        return self._plan.next_ns

    def fire(self) -> bool:
        """Enqueue the tasks of the ticks that are due; return whether some have unique locks.

        Raises:
            PyasynqError: Redis refused a tick for another reason than a task that is there.
        """
        has_locks = False
        while due := self._plan.take_due(self._clock.now_ns(), BATCH):
            for planned in due:
                self._prepare(planned)
            tried = [each for each in due if each.item is not None]
            has_locks = has_locks or any(each.item.unique_ttl_s for each in tried if each.item)
            self._enqueue(tried)
            for planned in due:
                self._plan.put_back(planned)
        return has_locks

    def _learn(self, entries: list[Entry]) -> None:
        now_s, now_ns = redis_now_s(self._clock), self._clock.now_ns()
        operations = [tick_operations.read_tick(each, self._namespace, now_s) for each in entries]
        answers = self._runner.run_all(operations)
        raise_first(answers)
        for entry, record in zip(entries, answers, strict=True):
            self._plan.add(entry, record, now_ns)

    def _prepare(self, planned: Planned) -> None:
        entry, now_ns = planned.entry, self._clock.now_ns()
        keys = queue_keys(entry.queue, self._namespace)
        try:
            planned.item = prepare(
                planned.traced(self._tracing),
                entry.options,
                keys,
                now_ns=now_ns,
                new_id=new_task_id,
            )
        except PyasynqError as error:
            _failed(planned, error)
            planned.answered(error, now_ns)

    def _enqueue(self, tried: list[Planned]) -> None:
        now_ns = self._clock.now_ns()
        queues = sorted({each.entry.queue for each in tried})
        answers = self._runner.run_all(
            [
                *(enqueue.register_queue(each, namespace=self._namespace) for each in queues),
                *(tick_operations.enqueue_tick(each, now_ns) for each in tried),
            ]
        )
        raise_first(answers)
        for planned, answer in zip(tried, answers[len(queues) :], strict=True):
            if answer.refusal is not None:
                _failed(planned, answer.refusal)
            elif planned.span is not None and answer.tick is Tick.STORED and planned.item:
                planned.span.end(Ended(task_id=planned.item.id))
            planned.answered(answer, now_ns)


def _failed(planned: Planned, error: PyasynqError) -> None:
    if planned.span is not None and not isinstance(error, DuplicateTaskError):
        planned.span.end(Ended(error=error))
    logger.error("cannot enqueue the tick of %s: %s", shown(planned.entry.task.type), error)
