"""Runs handlers that do not wait for anything without an asyncio task for each.

The tasks of one fetch start one after the other in one asyncio task, the lane. As soon as a
handler waits, or leaves something behind in that asyncio task, the others get asyncio tasks of
their own. So a handler that waits has its asyncio task to itself from then on, and every handler
finds context variables as if it had been so from the start.
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
        on_wait: called when the handler of a task waits, or is about to start apart; never for
            a task that ends at once.
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
        self._running: RunningTask | None = None  # in the lane that is open
        self._is_open = False
        self._turns = 0  # how often the loop has turned after a lane began

    def start(self, running: RunningTask) -> None:
        """Start *running* soon; returns at once."""
        self._waiting.append(running)
        if not self._is_open:
            self._is_open = True
            self._begin(self._run_waiting())

    async def _run_waiting(self) -> None:
        """Run what waits, until a handler waits itself or leaves traces."""
        self._loop.call_soon(
            self._give_own_tasks
        )  # comes as soon as this asyncio task waits, or ends
        spreads, waiting, lane = self._turns, self._waiting, asyncio.current_task()
        while waiting:
            running = self._running = waiting.popleft()
            self._enter(running, lane)
            entered = copy_context()
            await self._run(running)
            if self._turns != spreads or _has_leftovers(lane, entered):
                return

    async def _run_apart(self, running: RunningTask) -> None:
        self._enter(running, asyncio.current_task())
        await self._run(running)

    def _give_own_tasks(self) -> None:
        """Give what still waits asyncio tasks of its own."""
        self._is_open = False
        self._turns += 1
        running, self._running = self._running, None
        if running is not None and not running.has_ended:
            self._on_wait(running)
        while self._waiting:
            running = self._waiting.popleft()
            self._on_wait(running)
            self._begin(self._run_apart(running))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        # The loop holds it until its first step; from then on what it runs does.
        _task = self._loop.create_task(work)

    def _enter(self, running: RunningTask, handle: Any) -> None:
        """Give the current asyncio task, *handle*, to *running*."""
        handle.set_name(running.leased.task_id)
        running.handle = handle
        enter(self._contexts[running])


def _has_leftovers(lane: Any, entered: Context) -> bool:
    """Tell whether a handler left something behind in the asyncio task that it shared.

    That is a cancellation, even one that was taken back (before Python 3.13 it still comes at the
    next wait), or another value of a context variable than in *entered*, be it an equal one.
    """
    if lane.cancelling() or getattr(lane, "_must_cancel", False):
        return True
    left = copy_context()
    if len(left) != len(entered):
        return True
    if len(left) == 1:  # the context of the task, and nothing of anybody else's
        return False
    for variable, value in entered.items():  # noqa: SIM110 - a generator costs twice as much
        if left.get(variable, entered) is not value:
            return True
    return False
