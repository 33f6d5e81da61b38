"""Publishes to listeners what happened to tasks, apart from the work itself.

An event is put into the inbox of each listener that asked for it, which takes no time; an asyncio
task of its own delivers what is in an inbox. So a listener that is slow, hangs or fails delays
neither a task nor its acknowledgement nor another listener. A server without listeners has no
notifier.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from pyasynq.clock import to_datetime
from pyasynq.errors import PyasynqError
from pyasynq.lifecycle.component import Life
from pyasynq.options import to_seconds
from pyasynq.wire.error_text import LEASE_EXPIRED
from pyasynq.wire.message import TaskMessage
from pyasynq.worker.attempt.outcome import (
    Archived,
    Completed,
    Dropped,
    Finished,
    Lost,
    Outcome,
    Requeued,
    Retried,
    task_of,
)
from pyasynq.worker.attempt.running_task import RunningTask, TaskKey
from pyasynq.worker.handlers.context import Scope
from pyasynq.worker.handlers.events import EventName, Listener, TaskEvent
from pyasynq.worker.notify.inbox import Inbox
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.notifier")

LAST_WAIT_S = 0.5  # for a listener that was cancelled


_NAMES: dict[type[Outcome], tuple[EventName, ...]] = {
    Finished: ("succeeded",),
    Completed: ("succeeded",),
    Archived: ("failed", "archived"),
    Dropped: ("dropped",),
    Requeued: ("requeued",),
    Lost: ("lost",),
}


def names_of(outcome: Outcome) -> tuple[EventName, ...]:
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
        self._grace_s = to_seconds(resources.config.cancel_grace)
        self._threads = resources.make_threads(max(1, len(given)), "pyasynq listener")
        self._inboxes = [Inbox(each, resources.counters, self._threads) for each in given]
        self._by_name: dict[EventName, list[Inbox]] = {}
        for inbox in self._inboxes:
            for name in inbox.listener.names:
                self._by_name.setdefault(name, []).append(inbox)
        self._deliveries: list[asyncio.Task[None]] = []

    @property
    def has_leftovers(self) -> bool:
        """Whether a listener has not ended, on the loop or in a thread."""
        is_on_loop = any(not each.done() for each in self._deliveries)
        return is_on_loop or any(inbox.is_in_thread for inbox in self._inboxes)

    @property
    def on_start(self) -> Callable[[RunningTask], None] | None:
        """What to call before a handler starts; None if nobody listens for that."""
        return self._on_start if "started" in self._by_name else None

    def on_outcome(self, running: RunningTask, outcome: Outcome) -> None:
        """Publish what became of a task, once that is in Redis."""
        error, running.error = running.error, None  # an error knows its frames, which know the task
        self._publish(names_of(outcome), running.key, running.message, outcome, error)

    def on_recovered(
        self, queue: str, task_id: str, message: TaskMessage, outcome: Outcome
    ) -> None:
        """Publish that the worker of a task is gone, and what became of the task."""
        names: tuple[EventName, ...] = ("recovered", names_of(outcome)[-1])
        self._publish(names, (queue, task_id), message, outcome, PyasynqError(LEASE_EXPIRED))

    async def run(self, life: Life) -> None:
        """Deliver until the stop, and then what is left, for as long as the grace lasts."""
        self._deliveries = [
            asyncio.create_task(inbox.run(), name=f"pyasynq notifier of {inbox.listener.label}")
            for inbox in self._inboxes
        ]
        life.stops_within_s = self._grace_s + 2 * LAST_WAIT_S
        life.started()
        await life.stopping.wait()
        for inbox in self._inboxes:
            inbox.close()
        _ended, late = await asyncio.wait(self._deliveries, timeout=self._grace_s)
        for delivery in late:
            delivery.cancel()
        if late:
            await asyncio.wait(late, timeout=LAST_WAIT_S)
        self._threads.shutdown(wait=False, cancel_futures=True)
        for inbox in self._inboxes:
            if inbox or inbox.is_in_thread:
                logger.warning(
                    "listener %s did not end within %g s; %d events are not delivered to it",
                    inbox.listener.label,
                    self._grace_s,
                    len(inbox),
                )

    def _on_start(self, running: RunningTask) -> None:
        self._publish(("started",), running.key, running.message, None, None)

    def _publish(
        self,
        names: tuple[EventName, ...],
        key: TaskKey,
        message: TaskMessage,
        outcome: Outcome | None,
        error: BaseException | None,
    ) -> None:
        for name in names:
            if inboxes := self._by_name.get(name):
                event = self._event(name, key, message, outcome, error)
                for inbox in inboxes:
                    inbox.put(event)

    def _event(
        self,
        name: EventName,
        key: TaskKey,
        message: TaskMessage,
        outcome: Outcome | None,
        error: BaseException | None,
    ) -> TaskEvent:
        queue, task_id = key
        retry_at = None
        if isinstance(outcome, Retried) and name in ("retried", "deferred"):
            retry_at = to_datetime(outcome.at_ns)
        return TaskEvent(
            name=name,
            task=task_of(message),
            task_id=task_id,
            queue=queue,
            attempt=message.retried + 1,
            max_retry=message.retry,
            at=to_datetime(self._scope.clock.now_ns()),
            error=error,
            retry_at=retry_at,
            server_id=self._scope.server_id,
            state=self._scope.state,
        )
