"""Publishes to listeners what became of the ticks of periodic tasks, apart from the work itself.

A scheduler without listeners has no notifier.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

import msgspec

from pyasynq.broker.operations.schedulers import Tick, TickAnswer
from pyasynq.clock import to_datetime
from pyasynq.errors import DuplicateTaskError, PyasynqError
from pyasynq.events.delivery import Delivery
from pyasynq.events.event import PeriodicEvent, PeriodicEventName, Reason
from pyasynq.events.listeners import Listener
from pyasynq.lifecycle.component import Life
from pyasynq.scheduler.entry import Entry
from pyasynq.scheduler.plan import Planned
from pyasynq.scheduler.resources import SchedulerResources
from pyasynq.task import Task, stored_task

GRACE_S = 3.0  # for listeners, at the stop


class Outcome(msgspec.Struct, frozen=True):
    """What became of a tick; see `PeriodicEvent`."""

    name: PeriodicEventName
    reason: Reason = ""
    earlier_task_id: str = ""
    task_id: str = ""
    error: PyasynqError | None = None


class Notifier:
    """Makes events and puts them into the inboxes of listeners; used on the loop only."""

    name = "notifier"

    def __init__(self, resources: SchedulerResources, listeners: Sequence[Listener]) -> None:
        self._resources = resources
        threads = ThreadPoolExecutor(len(listeners), thread_name_prefix="pyasynq listener")
        self._delivery = Delivery(listeners, threads, count=_no_count, grace_s=GRACE_S)

    @property
    def has_leftovers(self) -> bool:
        """Whether a listener has not ended, on the loop or in a thread."""
        return self._delivery.has_leftovers

    def on_tick(self, planned: Planned, answer: object) -> None:
        """Publish what became of a tick; call it before the next one is planned.

        Args:
            answer: a TickAnswer, or the PyasynqError that kept the tick from making a task.
        """
        outcome = _outcome_of(planned, answer)
        if outcome is not None and self._delivery.has_listener(outcome.name):
            at = to_datetime(self._resources.clock.redis_now_ns())
            due_at = to_datetime(planned.fires_ns)
            make = partial(self._event, planned.entry, outcome, due_at=due_at, at=at)
            self._delivery.publish(outcome.name, make)

    async def run(self, life: Life) -> None:
        """Deliver until the stop, and then what is left, for as long as the grace lasts."""
        await self._delivery.run(life)

    def _event(
        self, entry: Entry, outcome: Outcome, *, due_at: datetime, at: datetime
    ) -> PeriodicEvent:
        return PeriodicEvent(
            name=outcome.name,
            scheduler=self._resources.name,
            scheduler_id=self._resources.id,
            entry_id=entry.id,
            key=entry.key,
            spec=entry.schedule.spec,
            task=_task_of(entry),
            task_id=outcome.task_id,
            queue=entry.queue,
            due_at=due_at,
            at=at,
            reason=outcome.reason,
            earlier_task_id=outcome.earlier_task_id,
            error=outcome.error,
        )


def _outcome_of(planned: Planned, answer: object) -> Outcome | None:
    """Return what became of a tick; None if it was over already."""
    error = answer.refusal if isinstance(answer, TickAnswer) else answer
    if isinstance(error, DuplicateTaskError):
        return Outcome("periodic_skipped", "duplicate", error.holder_id or "", error=error)
    if isinstance(error, PyasynqError):
        return Outcome("periodic_failed", error=error)
    tick = answer.tick if isinstance(answer, TickAnswer) else None
    if tick is Tick.STORED and planned.item is not None:
        return Outcome("periodic_enqueued", task_id=planned.item.id)
    if isinstance(answer, TickAnswer) and tick is Tick.UNFINISHED:
        return Outcome("periodic_skipped", "unfinished", answer.earlier_id)
    return Outcome("periodic_skipped", "paused") if tick is Tick.PAUSED else None


def _task_of(entry: Entry) -> Task:
    """Return the task that a tick makes, with headers that a listener may change without harm."""
    task, options = entry.task, entry.options
    headers = {**task.headers, **(options.headers or {})}
    return stored_task(task.type, task.payload or b"", headers)


def _no_count(_counter: str, _queue: str, _name: str) -> None:
    """Count nothing: what a scheduler measures are its ticks."""
