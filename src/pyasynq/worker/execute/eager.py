"""Runs handlers that do not wait for anything without an asyncio task for each.

The tasks of one fetch start one after the other in one asyncio task, which they share, as an eager
task of Python 3.12 would share that of its caller. As soon as a handler waits, fails, or leaves
something behind in the shared asyncio task, the tasks that have not started get asyncio tasks of
their own. So a handler that waits has its asyncio task to itself from then on, and no handler finds
what the handler of another task has left there.

What a handler leaves behind is seen by counting, which costs nearly nothing: references to the
asyncio task (somebody keeps it, or has planned a call of one of its methods), weak references (a
registry, a cancel scope of anyio), and what the asyncio task refers to itself (done callbacks,
attributes, the message of a cancellation, even of one that was taken back).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextvars import copy_context
from gc import get_referents
from sys import getrefcount
from typing import Any
from weakref import getweakrefcount

from pyasynq.shown import LONGEST
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.handlers.context import TaskContext, enter, is_different

Run = Callable[[RunningTask], Coroutine[Any, Any, None]]


class EagerRunner:
    """Starts tasks on one event loop, in the order in which they come.

    Args:
        contexts: of the tasks that have started and have not ended.
        run: runs one task to its end, whatever its handler does.
        on_wait: called when the handler of a task waits, or is about to start in an asyncio task
            of its own; never for a task that ends at once.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        contexts: Mapping[RunningTask, TaskContext],
        run: Run,
        on_wait: Callable[[RunningTask], None],
    ) -> None:
        self._loop = loop
        self._contexts = contexts
        self._run = run
        self._on_wait = on_wait
        self._waiting: deque[RunningTask] = deque()
        self._running: RunningTask | None = None  # in the asyncio task that is shared now
        self._is_shared = False  # whether there is one that takes what is started
        self._endings = 0  # how often an asyncio task that was shared had to end

    def start(self, running: RunningTask) -> None:
        """Start *running* soon; returns at once."""
        self._waiting.append(running)
        if not self._is_shared:
            self._is_shared = True
            self._begin(self._run_waiting())

    def end_sharing(self) -> None:
        """Let no task after the one that runs now share its asyncio task: its handler failed."""
        self._endings += 1

    async def _run_waiting(self) -> None:
        """Run the tasks that wait, until a handler waits itself, fails or leaves something."""
        # Runs once this asyncio task waits, or ends before all that wait have run.
        giving = self._loop.call_soon(self._give_own_tasks)
        endings, waiting, shared = self._endings, self._waiting, asyncio.current_task()
        if len(waiting) == 1 or type(shared) is not asyncio.Task:  # nobody follows, or may do so
            await self._run_next(shared)
            self._end_unless(endings, giving)
            return
        enter(self._contexts[waiting[0]])  # so that all contexts have as many variables
        entered = copy_context()
        variables = len(entered)
        references, weak, held = (
            getrefcount(shared),
            getweakrefcount(shared),
            len(get_referents(shared)),
        )
        while True:
            running = self._running = waiting.popleft()
            self._enter(running, shared)
            await self._run(running)
            if not waiting:
                self._end_unless(endings, giving)
                return
            if (
                self._endings != endings
                or getrefcount(shared) != references
                or getweakrefcount(shared) != weak
                or len(get_referents(shared)) != held
                or len(left := copy_context()) != variables
                or (variables > 1 and is_different(left, entered))
            ):
                return

    def _end_unless(self, endings: int, giving: asyncio.Handle) -> None:
        """Let what starts from now on share another asyncio task, if no handler has waited."""
        if self._endings == endings and not self._waiting:
            giving.cancel()
            self._is_shared, self._running = False, None

    async def _run_next(self, handle: Any) -> None:
        running = self._running = self._waiting.popleft()
        self._enter(running, handle)
        await self._run(running)

    async def _run_alone(self, running: RunningTask) -> None:
        self._enter(running, asyncio.current_task())
        await self._run(running)

    def _give_own_tasks(self) -> None:
        """Give the tasks that have not started asyncio tasks of their own."""
        self._is_shared = False
        self._endings += 1
        running, self._running = self._running, None
        if running is not None and not running.has_ended:
            self._on_wait(running)
        while self._waiting:
            running = self._waiting.popleft()
            self._on_wait(running)
            self._begin(self._run_alone(running))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        # The loop holds it until its first step; from then on what it runs does.
        _task = self._loop.create_task(work)

    def _enter(self, running: RunningTask, handle: Any) -> None:
        """Give the current asyncio task, *handle*, to *running*."""
        handle.set_name(running.key[1][:LONGEST])  # each line of the log has it
        running.handle = handle
        enter(self._contexts[running])
