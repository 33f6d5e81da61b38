"""The events that wait for one listener, delivered to it one after the other.

Whatever the listener does harms nobody else: its failures are counted, and logged once per type of
exception; events that it is too slow for are dropped, and counted too.
"""

import asyncio
import logging
from collections import deque
from concurrent.futures import Executor, Future

from pyasynq.shown import shown
from pyasynq.worker.counters import Counters
from pyasynq.worker.handlers.events import Listener, TaskEvent
from pyasynq.worker.handlers.returned import finished
from pyasynq.worker.threads import Ended, caught

logger = logging.getLogger("pyasynq.notifier")

MOST_EVENTS = 10_000  # one write of the finisher alone may bring a thousand
MOST_BYTES = 64 << 20  # of payloads
EVENTS_PER_TURN = 100  # of the event loop


class Inbox:
    """What waits for one listener.

    Args:
        counters: where dropped events and failures are counted.
        threads: where a listener that is a plain function runs.
    """

    def __init__(self, listener: Listener, counters: Counters, threads: Executor) -> None:
        self.listener = listener
        self._counters = counters
        self._threads = threads
        self._waiting: deque[TaskEvent] = deque()
        self._size_bytes = 0
        self._filled = asyncio.Event()
        self._is_closing = False
        self._dropped = 0
        self._failures: set[type[BaseException]] = set()
        self._thread_call: Future[Ended] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_in_thread(self) -> bool:
        """Whether the listener runs in a thread just now."""
        return self._thread_call is not None and not self._thread_call.done()

    def put(self, event: TaskEvent) -> None:
        """Let *event* wait for its turn; if too many wait, it is dropped."""
        size_bytes = _size_of(event)
        has_room = len(self._waiting) < MOST_EVENTS and self._size_bytes + size_bytes <= MOST_BYTES
        if self._waiting and not has_room:
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
        delivered = 0
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

    def _take(self) -> TaskEvent:
        event = self._waiting.popleft()
        self._size_bytes -= _size_of(event)
        return event

    async def _deliver(self, event: TaskEvent) -> None:
        function = self.listener.function
        try:
            called = function(event) if self.listener.is_async else await self._in_thread(event)
            if called is not None:
                await finished(called)
        except GeneratorExit:
            raise
        except BaseException as error:
            ours = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and ours is not None and ours.cancelling():
                raise
            self._on_failure(event, error)

    async def _in_thread(self, event: TaskEvent) -> object:
        self._thread_call = self._threads.submit(caught, self.listener.function, event)
        returned, error = await asyncio.wrap_future(self._thread_call)
        if error is not None:
            raise error
        return returned

    def _on_failure(self, event: TaskEvent, error: BaseException) -> None:
        self._counters.add("listener_failures", event.queue, event.name)
        if type(error) in self._failures:
            return
        self._failures.add(type(error))
        logger.error(
            "listener %s failed on %r of task %s; more %s of it are counted, not logged",
            self.listener.label,
            event.name,
            shown(event.task_id),
            type(error).__name__,
            exc_info=error,
            extra={
                "task_id": shown(event.task_id),
                "queue": event.queue,
                "task_type": shown(event.task_type),
            },
        )

    def _drop(self, event: TaskEvent) -> None:
        self._counters.add("events_dropped", event.queue, event.name)
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


def _size_of(event: TaskEvent) -> int:
    return len(event.task.payload or b"")
