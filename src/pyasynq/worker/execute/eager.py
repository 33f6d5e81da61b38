"""Runs handlers that do not wait for anything without an asyncio task for each.

The tasks of one fetch start one after the other in one asyncio task, which they share, as an eager
task of Python 3.12 would share that of its caller. As soon as a handler waits, or leaves something
behind in the shared asyncio task, the tasks that have not started get asyncio tasks of their own.
So a handler that waits has its asyncio task to itself from then on, and every handler finds context
variables as if it had been so from the start.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context, copy_context
from typing import Any

from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.handlers.context import TaskContext, enter

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
        self._turns = 0  # how often the loop has turned after a shared asyncio task began

    def start(self, running: RunningTask) -> None:
        """Start *running* soon; returns at once."""
        self._waiting.append(running)
        if not self._is_shared:
            self._is_shared = True
            self._begin(self._run_waiting())

    async def _run_waiting(self) -> None:
        """Run the tasks that wait, until a handler waits itself or leaves something behind."""
        self._loop.call_soon(self._give_own_tasks)  # runs once this asyncio task waits, or ends
        turns, waiting, shared = self._turns, self._waiting, asyncio.current_task()
        while waiting:
            running = self._running = waiting.popleft()
            self._enter(running, shared)
            entered = copy_context()
            await self._run(running)
            if self._turns != turns or _has_leftovers(shared, entered):
                return

    async def _run_alone(self, running: RunningTask) -> None:
        self._enter(running, asyncio.current_task())
        await self._run(running)

    def _give_own_tasks(self) -> None:
        """Give the tasks that have not started asyncio tasks of their own."""
        self._is_shared = False
        self._turns += 1
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
        handle.set_name(running.key[1])
        running.handle = handle
        enter(self._contexts[running])


def _has_leftovers(shared: Any, entered: Context) -> bool:
    """Whether a handler left something behind in the asyncio task that it shared.

    That is a cancellation, even one that was taken back (before Python 3.13 it still comes at the
    next wait), or a context variable that is not the very object it was in *entered*.
    """
    if shared.cancelling() or getattr(shared, "_must_cancel", False):
        return True
    left = copy_context()
    if len(left) != len(entered):
        return True
    if len(left) == 1:  # only the context of the task itself
        return False
    for variable, value in entered.items():  # noqa: SIM110 - a generator costs twice as much
        if left.get(variable, entered) is not value:
            return True
    return False
