"""The events that wait for one listener, told to it one after the other.

Whatever the listener does is its own affair: a failure is logged once per type of exception and
counted, and what it is too slow for is not told to it, and counted too.
"""

import asyncio
import logging
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from inspect import isawaitable

from pyasynq.worker.counters import Counters
from pyasynq.worker.handlers.events import Listener, ListenerFunction, TaskEvent

logger = logging.getLogger("pyasynq.notifier")

MOST_EVENTS = 10_000  # one write of the finisher alone may bring a thousand
MOST_BYTES = 64 << 20  # of payloads
EVENTS_PER_TURN = 100  # of the event loop

Ended = tuple[object, BaseException | None]


class Inbox:
    """What waits for one listener.

    Args:
        counters: where untold events and failures are counted.
        threads: where a listener that is a plain function runs.
    """

    def __init__(self, listener: Listener, counters: Counters, threads: ThreadPoolExecutor) -> None:
        self.listener = listener
        self._counters = counters
        self._threads = threads
        self._waiting: deque[TaskEvent] = deque()
        self._size_bytes = 0
        self._filled = asyncio.Event()
        self._is_closing = False
        self._untold = 0
        self._failures: set[type[BaseException]] = set()
        self._thread_call: Future[Ended] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_in_thread(self) -> bool:
        """Whether the listener runs in a thread just now."""
        return self._thread_call is not None and not self._thread_call.done()

    def put(self, event: TaskEvent) -> None:
        """Let *event* wait for its turn; when there are too many, it is not told."""
        size_bytes = _size_of(event)
        has_room = len(self._waiting) < MOST_EVENTS and self._size_bytes + size_bytes <= MOST_BYTES
        if self._waiting and not has_room:
            self._leave_out(event)
            return
        self._waiting.append(event)
        self._size_bytes += size_bytes
        self._filled.set()

    def close(self) -> None:
        """Let `run` end once nothing waits."""
        self._is_closing = True
        self._filled.set()

    async def run(self) -> None:
        """Tell the listener what waits, until closed."""
        told = 0
        while self._waiting or not self._is_closing:
            while self._waiting:
                await self._tell(self._take())  # no name keeps it alive until the next one
                told += 1
                if told % EVENTS_PER_TURN == 0:
                    await asyncio.sleep(0)
            self._on_empty()
            if not self._is_closing:
                self._filled.clear()
                await self._filled.wait()

    def _take(self) -> TaskEvent:
        event = self._waiting.popleft()
        self._size_bytes -= _size_of(event)
        return event

    async def _tell(self, event: TaskEvent) -> None:
        function = self.listener.function
        try:
            told = function(event) if self.listener.is_async else await self._in_thread(event)
            if isawaitable(told):
                await told
        except GeneratorExit:
            raise
        except BaseException as error:
            ours = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and ours is not None and ours.cancelling():
                raise
            self._on_failure(event, error)

    async def _in_thread(self, event: TaskEvent) -> object:
        self._thread_call = self._threads.submit(_call, self.listener.function, event)
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
            event.task_id,
            type(error).__name__,
            exc_info=error,
            extra={"task_id": event.task_id, "queue": event.queue, "task_type": event.task_type},
        )

    def _leave_out(self, event: TaskEvent) -> None:
        self._counters.add("events_untold", event.queue, event.name)
        if not self._untold:
            logger.warning(
                "listener %s is too slow: %d events wait, and more are not told to it",
                self.listener.label,
                len(self._waiting),
            )
        self._untold += 1

    def _on_empty(self) -> None:
        if self._untold:
            logger.warning(
                "listener %s has caught up; %d events were not told to it",
                self.listener.label,
                self._untold,
            )
            self._untold = 0


def _size_of(event: TaskEvent) -> int:
    return len(event.task.payload or b"")


def _call(function: ListenerFunction, event: TaskEvent) -> Ended:
    """Call *function*; its exception is a value, for a future cannot hold every exception."""
    try:
        return function(event), None
    except BaseException as error:  # noqa: BLE001 - whatever a listener raises ends nothing
        return None, error
