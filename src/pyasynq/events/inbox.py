"""The events that wait for one listener, delivered to it one after the other.

Whatever the listener does harms nobody else: its failures are counted, and logged once per type of
exception; events that it is too slow for are dropped, and counted too.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from pyasynq.events.event import Event, PeriodicEvent, TaskEvent, WorkerEvent
from pyasynq.events.listeners import Listener
from pyasynq.functions.returned import Ended, caught, finished
from pyasynq.shown import shown

logger = logging.getLogger("pyasynq.notifier")

MOST_EVENTS = 10_000  # one write of the finisher alone may bring a thousand
MOST_BYTES = 64 << 20  # of payloads
EVENTS_PER_TURN = 100  # of the event loop

Count = Callable[[str, str, str], object]
"""(counter, queue, name of the event)"""


class Inbox:
    """What waits for one listener.

    Args:
        count: called with "listener_failures" or "events_dropped", and queue and name of the event.
        threads: where a listener that is a plain function runs.
    """

    def __init__(self, listener: Listener, count: Count, threads: Executor) -> None:
        self.listener = listener
        self._count = count
        self._threads = threads
        self._waiting: deque[Event] = deque()
        self._size_bytes = 0
        self._filled = asyncio.Event()
        self._is_closing = False
        self._dropped = 0
        self._failures: set[type[BaseException]] = set()
        self._thread_call: Future[Ended] | None = None
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_in_thread(self) -> bool:
        """Whether the listener runs in a thread just now."""
        return self._thread_call is not None and not self._thread_call.done()

    @property
    def is_quiet(self) -> bool:
        """Whether the listener has returned from every event; ask on the loop."""
        return not self._filled.is_set()

    def put(self, event: Event) -> None:
        """Let *event* wait for its turn; if too many wait, it is dropped.

        There is always room for the two events that a worker has in its life.
        """
        size_bytes = _size_of(event)
        has_room = len(self._waiting) < MOST_EVENTS and self._size_bytes + size_bytes <= MOST_BYTES
        if self._waiting and not has_room and not isinstance(event, WorkerEvent):
            self._drop(event)
            return
        self._waiting.append(event)
        self._size_bytes += size_bytes
        self._filled.set()

    def close(self) -> None:
        """Let `run` end once nothing waits."""
        self._is_closing = True
        self._filled.set()

    async def run(self) -> None:
        """Call the listener with each event that waits, until closed."""
        self._task, delivered = asyncio.current_task(), 0
        while self._waiting or not self._is_closing:
            while self._waiting:
                await self._deliver(self._take())  # no name keeps it alive until the next one
                delivered += 1
                if delivered % EVENTS_PER_TURN == 0:
                    await asyncio.sleep(0)
            self._on_empty()
            if not self._is_closing:
                self._filled.clear()
                await self._filled.wait()

    def _take(self) -> Event:
        event = self._waiting.popleft()
        self._size_bytes -= _size_of(event)
        return event

    async def _deliver(self, event: Event) -> None:
        function = self.listener.function
        try:
            called = function(event) if self.listener.is_async else await self._in_thread(event)
            if called is not None:
                await finished(called)
        except BaseException as error:
            if self._is_ended_by(error):
                raise
            self._on_failure(event, error)

    def _is_ended_by(self, error: BaseException) -> bool:
        """Whether *error* ends the delivery, and is not of the listener."""
        if isinstance(error, asyncio.CancelledError):
            return self._task is not None and self._task.cancelling() > 0
        return isinstance(error, GeneratorExit) and self._task is not _current_task()

    async def _in_thread(self, event: Event) -> object:
        self._thread_call = self._threads.submit(caught, self.listener.function, event)
        returned, error = await asyncio.wrap_future(self._thread_call)
        if error is not None:
            raise error
        return returned

    def _on_failure(self, event: Event, error: BaseException) -> None:
        self._count("listener_failures", _queue_of(event), event.name)
        if type(error) in self._failures:
            return
        self._failures.add(type(error))
        logger.error(
            "listener %s failed on %r of %s; more %s of it are counted, not logged",
            self.listener.label,
            event.name,
            _subject_of(event),
            type(error).__name__,
            exc_info=error,
            extra=_fields_of(event),
        )

    def _drop(self, event: Event) -> None:
        self._count("events_dropped", _queue_of(event), event.name)
        if not self._dropped:
            logger.warning(
                "listener %s is too slow: %d events wait, and further ones are dropped",
                self.listener.label,
                len(self._waiting),
            )
        self._dropped += 1

    def _on_empty(self) -> None:
        if self._dropped:
            logger.warning(
                "listener %s has caught up; %d events were dropped",
                self.listener.label,
                self._dropped,
            )
            self._dropped = 0


def _current_task() -> asyncio.Task[Any] | None:
    """Return the task that runs; None where no loop does, as when a coroutine is thrown away."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _size_of(event: Event) -> int:
    return 0 if isinstance(event, WorkerEvent) else len(event.task.payload or b"")


def _queue_of(event: Event) -> str:
    return "" if isinstance(event, WorkerEvent) else event.queue


def _subject_of(event: Event) -> str:
    """Return whom an event is about, for the log."""
    match event:
        case TaskEvent():
            return f"task {shown(event.task_id)}"
        case WorkerEvent():
            return f"server {event.server_id}"
        case PeriodicEvent():
            return f"entry {event.entry_id}"


def _fields_of(event: Event) -> dict[str, str]:
    """Return what a line of the log says of an event in its fields."""
    if isinstance(event, WorkerEvent):
        return {}
    return {
        "task_id": shown(event.task_id),
        "queue": event.queue,
        "task_type": shown(event.task_type),
    }
