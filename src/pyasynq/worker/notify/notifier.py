"""Publishes to listeners what happened to tasks and to the server, apart from the work itself.

A server without listeners has no notifier.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from pyasynq.clock import to_datetime
from pyasynq.control_flow import RetryLater
from pyasynq.errors import PyasynqError
from pyasynq.events.delivery import Delivery
from pyasynq.events.event import TaskEvent, TaskEventName, WorkerEvent
from pyasynq.events.listeners import Listener
from pyasynq.lifecycle.component import Life
from pyasynq.options import to_seconds
from pyasynq.task import Task, stored_task
from pyasynq.version import __version__
from pyasynq.wire.error_text import LEASE_EXPIRED, RESULT_NOT_KEPT
from pyasynq.wire.message import TaskMessage, decode
from pyasynq.worker.attempt.outcome import (
    Archived,
    Completed,
    Dropped,
    Finished,
    Lost,
    Outcome,
    Requeued,
    Retried,
    control_flow,
    task_of,
)
from pyasynq.worker.attempt.running_task import RunningTask, TaskKey
from pyasynq.worker.handlers.context import Scope
from pyasynq.worker.liveness.heartbeater import Identity
from pyasynq.worker.observers import Observer, each_of
from pyasynq.worker.record.attempt_record import waited_ns
from pyasynq.worker.resources import ServerResources

_NAMES: dict[type[Outcome], tuple[TaskEventName, ...]] = {
    Finished: ("succeeded",),
    Completed: ("succeeded",),
    Archived: ("failed", "archived"),
    Dropped: ("dropped",),
    Requeued: ("requeued",),
    Lost: ("lost",),
}


def names_of(outcome: Outcome) -> tuple[TaskEventName, ...]:
    """Return the events that stand for *outcome*, in their order."""
    if not isinstance(outcome, Retried):
        return _NAMES.get(type(outcome), ())
    if outcome.deferred:
        return ("deferred",)
    return ("failed", "retried") if outcome.is_failure else ("retried",)


class Notifier:
    """Makes events and puts them into the inboxes of listeners; used on the loop only.

    Args:
        scope: says which server it is, and what its state is.
    """

    name = "notifier"

    def __init__(
        self, resources: ServerResources, listeners: Iterable[Listener], scope: Scope
    ) -> None:
        given = list(listeners)
        self._scope = scope
        self._config = resources.config
        self._delivery = Delivery(
            given,
            resources.make_threads(max(1, len(given)), "pyasynq listener"),
            count=resources.counters.add,
            grace_s=to_seconds(resources.config.cancel_grace),
        )
        self._started: WorkerEvent | None = None
        self._at_stop: Callable[[], None] | None = None

    @property
    def has_leftovers(self) -> bool:
        """Whether a listener has not ended, on the loop or in a thread."""
        return self._delivery.has_leftovers

    @property
    def is_quiet(self) -> bool:
        """Whether every listener has returned from every event; ask on the loop."""
        return self._delivery.is_quiet

    @property
    def observer(self) -> Observer:
        """What it is to be called with."""
        return Observer(
            on_start=self.on_start,
            on_outcomes=each_of(self.on_outcome),
            on_recovered=self.on_recovered,
            keeps_errors=True,
        )

    @property
    def on_start(self) -> Callable[[RunningTask], None] | None:
        """What to call before a handler starts; None if nobody listens for that."""
        return self._on_start if self._delivery.has_listener("started") else None

    def on_outcome(self, running: RunningTask, outcome: Outcome) -> None:
        """Publish what became of a task, once that is in Redis."""
        error, running.error = running.error, None  # an error knows its frames, which know the task
        if names := self._heard(*names_of(outcome)):
            text = _text_of(outcome, error)
            make = self._task_event(
                running.key, running.message, running, outcome=outcome, error=error, error_text=text
            )
            self._publish(names, make)

    def on_recovered(
        self, queue: str, task_id: str, message: TaskMessage, outcome: Outcome
    ) -> None:
        """Publish that the worker of a task is gone, and what became of the task."""
        if names := self._heard("recovered", names_of(outcome)[-1]):
            error, text = PyasynqError(LEASE_EXPIRED), _text_of(outcome, None)
            make = self._task_event(
                (queue, task_id), message, None, outcome=outcome, error=error, error_text=text
            )
            self._publish(names, make)

    def on_worker_started(self) -> None:
        """Publish that every part of the server works."""
        self._started = started = self._of_this_worker()
        self._delivery.publish("worker_started", lambda: _own(started))

    def on_shutdown(
        self,
        crash: BaseException | None,
        *,
        counts: Callable[[], Mapping[str, int]],
        unwritten: Callable[[], int],
    ) -> None:
        """Learn why the server shuts down; that it has stopped is its last event.

        Args:
            crash: None if it was asked to stop.
            counts, unwritten: return these fields of the event, when all work is done.
        """
        self._at_stop = lambda: self._on_worker_stopped(crash, counts(), unwritten())

    async def run(self, life: Life) -> None:
        """Deliver until the stop, and then what is left, for as long as the grace lasts."""
        await self._delivery.run(life, at_stop=self._stop)

    def _stop(self) -> None:
        if self._at_stop is not None:
            self._at_stop()

    def _on_start(self, running: RunningTask) -> None:
        self._publish(["started"], self._task_event(running.key, running.message, running))

    def _on_worker_stopped(
        self, crash: BaseException | None, counts: Mapping[str, int], unwritten: int
    ) -> None:
        if self._started is None:
            return
        stopped = replace(
            self._started,
            name="worker_stopped",
            at=to_datetime(self._scope.clock.now_ns()),
            reason="crashed" if crash else "shutdown",
            error=crash,
            counts=counts,
            unwritten=unwritten,
        )
        self._delivery.publish("worker_stopped", lambda: _own(stopped))

    def _heard(self, *names: TaskEventName) -> list[TaskEventName]:
        """Return those of *names* that somebody listens for."""
        return [name for name in names if self._delivery.has_listener(name)]

    def _publish(
        self, names: Iterable[TaskEventName], make: Callable[[TaskEventName], TaskEvent]
    ) -> None:
        for name in names:
            self._delivery.publish(name, partial(make, name))

    def _task_event(
        self,
        key: TaskKey,
        message: TaskMessage,
        running: RunningTask | None,
        *,
        outcome: Outcome | None = None,
        error: BaseException | None = None,
        error_text: str = "",
    ) -> Callable[[TaskEventName], TaskEvent]:
        """Return what makes the events of one moment in the life of a task."""
        queue, task_id = key
        at = to_datetime(self._scope.clock.now_ns())
        retry_at = to_datetime(outcome.at_ns) if isinstance(outcome, Retried) else None

        def make(name: TaskEventName) -> TaskEvent:
            return TaskEvent(
                name=name,
                task=_own_task(message),
                task_id=task_id,
                queue=queue,
                attempt=message.retried + 1,
                max_retry=message.retry,
                at=at,
                waited=None if running is None else _span(waited_ns(running)),
                duration=None if running is None else _span(_duration_ns(running)),
                error=error,
                error_text=error_text,
                retry_at=retry_at if name in ("retried", "deferred") else None,
                server_id=self._scope.server_id,
                state=self._scope.state,
            )

        return make

    def _of_this_worker(self) -> WorkerEvent:
        scope, config = self._scope, self._config
        identity = Identity.of_this_process(scope.server_id, scope.clock.now_ns())
        at = to_datetime(identity.started_ns)
        return WorkerEvent(
            name="worker_started",
            server_id=identity.server_id,
            host=identity.host,
            pid=identity.pid,
            queues=config.queues,
            concurrency=config.concurrency,
            version=__version__,
            at=at,
            started_at=at,
            counts={},
            state=scope.state,
        )


def _own(event: WorkerEvent) -> WorkerEvent:
    """Return the event with dicts of its own, for one listener."""
    return replace(event, queues=dict(event.queues), counts=dict(event.counts))


def _own_task(message: TaskMessage) -> Task:
    """Return the task of *message*, with headers that a listener may change without harm."""
    task = task_of(message)
    if not task.headers:
        return task
    return stored_task(task.type, message.payload, dict(task.headers))


def _text_of(outcome: Outcome, error: BaseException | None) -> str:
    """Return what the outcome of an attempt leaves in Redis as the last error of its task."""
    if isinstance(outcome, Archived):
        return outcome.error
    if not isinstance(outcome, Retried | Completed):
        return ""
    text = decode(outcome.data).error_msg
    return text if _is_new(text, outcome, error) else ""


def _is_new(text: str, outcome: Retried | Completed, error: BaseException | None) -> bool:
    """Whether *text* is of this attempt, not of an earlier one that has failed."""
    if isinstance(outcome, Completed):
        return text.startswith(RESULT_NOT_KEPT)
    raised = control_flow(error) if outcome.deferred and error is not None else None
    return bool(raised.reason) if isinstance(raised, RetryLater) else True


def _duration_ns(running: RunningTask) -> int | None:
    """Return for how long a handler ran; None if it has not ended, or never started."""
    return max(0, running.ended_ns - running.started_ns) if running.ended_ns else None


def _span(nanoseconds: int | None) -> timedelta | None:
    return None if nanoseconds is None else timedelta(microseconds=nanoseconds // 1000)
