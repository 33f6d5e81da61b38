"""Tells listeners what happened to tasks, apart from the work itself.

An event is put into the inbox of each listener that asked for it, which takes no time; each inbox
is emptied by an asyncio task of its own. So a listener that is slow, hangs or fails delays neither
a task nor its acknowledgement nor another listener. A server without listeners has no notifier.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from pyasynq.clock import to_datetime
from pyasynq.errors import PyasynqError
from pyasynq.lifecycle.component import Life
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
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.counters import Counters
from pyasynq.worker.handlers.context import Scope
from pyasynq.worker.handlers.events import EventName, Listener, TaskEvent
from pyasynq.worker.notify.inbox import Inbox

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
    """Return the events that *outcome* comes to, in their order."""
    if not isinstance(outcome, Retried):
        return _NAMES.get(type(outcome), ())
    if outcome.deferred:
        return ("deferred",)
    return ("failed", "retried") if outcome.is_failure else ("retried",)


class Notifier:
    """Makes events and gives them to the inboxes of those who listen; call it on the loop.

    Args:
        scope: whose server tells.
        counters: where untold events and failures of listeners are counted.
        grace_s: for how long listeners may go on after the stop.
    """

    name = "notifier"

    def __init__(
        self, listeners: Iterable[Listener], scope: Scope, counters: Counters, *, grace_s: float
    ) -> None:
        given = list(listeners)
        self._scope = scope
        self._grace_s = grace_s
        self._threads = ThreadPoolExecutor(
            max(1, len(given)), thread_name_prefix="pyasynq listener"
        )
        self._inboxes = [Inbox(each, counters, self._threads) for each in given]
        self._by_name: dict[EventName, list[Inbox]] = {}
        for inbox in self._inboxes:
            for name in inbox.listener.names:
                self._by_name.setdefault(name, []).append(inbox)
        self._tellings: list[asyncio.Task[None]] = []

    @property
    def has_leftovers(self) -> bool:
        """Whether a listener has not ended, on the loop or in a thread."""
        is_on_loop = any(not each.done() for each in self._tellings)
        return is_on_loop or any(inbox.is_in_thread for inbox in self._inboxes)

    @property
    def on_start(self) -> Callable[[RunningTask], None] | None:
        """What to call before a handler starts; None if nobody listens for that."""
        return self._on_start if "started" in self._by_name else None

    def on_outcome(self, running: RunningTask, outcome: Outcome) -> None:
        """Tell what became of a task, once that is in Redis."""
        error, running.error = running.error, None  # an error knows its frames, which know the task
        place = running.keys.queue, running.leased.task_id
        self._tell(names_of(outcome), place, running.message, outcome, error)

    def on_recovered(
        self, queue: str, task_id: str, message: TaskMessage, outcome: Outcome
    ) -> None:
        """Tell of a task whose worker is gone, and what became of it."""
        names: tuple[EventName, ...] = ("recovered", names_of(outcome)[-1])
        self._tell(names, (queue, task_id), message, outcome, PyasynqError(LEASE_EXPIRED))

    async def run(self, life: Life) -> None:
        """Tell until the stop, and then what is left, for as long as the grace lasts."""
        self._tellings = [
            asyncio.create_task(inbox.run(), name=f"pyasynq notifier of {inbox.listener.label}")
            for inbox in self._inboxes
        ]
        life.stops_within_s = self._grace_s + 2 * LAST_WAIT_S
        life.started()
        await life.stopping.wait()
        for inbox in self._inboxes:
            inbox.close()
        _ended, late = await asyncio.wait(self._tellings, timeout=self._grace_s)
        for telling in late:
            telling.cancel()
        if late:
            await asyncio.wait(late, timeout=LAST_WAIT_S)
        self._threads.shutdown(wait=False, cancel_futures=True)
        for inbox in self._inboxes:
            if inbox or inbox.is_in_thread:
                logger.warning(
                    "listener %s did not end within %g s; %d events are not told to it",
                    inbox.listener.label,
                    self._grace_s,
                    len(inbox),
                )

    def _on_start(self, running: RunningTask) -> None:
        place = running.keys.queue, running.leased.task_id
        self._tell(("started",), place, running.message, None, None)

    def _tell(
        self,
        names: tuple[EventName, ...],
        place: tuple[str, str],
        message: TaskMessage,
        outcome: Outcome | None,
        error: BaseException | None,
    ) -> None:
        for name in names:
            if inboxes := self._by_name.get(name):
                event = self._event(name, place, message, outcome, error)
                for inbox in inboxes:
                    inbox.put(event)

    def _event(
        self,
        name: EventName,
        place: tuple[str, str],
        message: TaskMessage,
        outcome: Outcome | None,
        error: BaseException | None,
    ) -> TaskEvent:
        queue, task_id = place
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
