"""Runs handlers that do not wait for anything without an asyncio task for each.

The tasks of one fetch start one after the other in one asyncio task, the lane. As soon as a
handler waits, or leaves something behind in that asyncio task, the others get asyncio tasks of
their own. So a handler that waits has its asyncio task to itself from then on, and every handler
finds context variables as if it had been so from the start.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any

from pyasynq.worker.context import enter
from pyasynq.worker.lease import RunningTask

Run = Callable[[RunningTask], Coroutine[Any, Any, None]]


class Lane:
    """Starts tasks on one event loop, in the order in which they come.

    Args:
        run: runs one task to its end, whatever its handler does.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, run: Run) -> None:
        self._loop = loop
        self._run = run
        self._waiting: deque[RunningTask] = deque()
        self._is_open = False
        self._spreads = 0  # how often the loop has turned after a lane began

    def start(self, running: RunningTask) -> None:
        """Start *running* soon; returns at once."""
        self._waiting.append(running)
        if not self._is_open:
            self._is_open = True
            self._begin(self._run_waiting())

    async def _run_waiting(self) -> None:
        """Run what waits, until a handler waits itself or leaves traces."""
        self._loop.call_soon(self._spread)  # comes as soon as this asyncio task waits, or ends
        spreads, waiting, lane = self._spreads, self._waiting, asyncio.current_task()
        while waiting:
            running = waiting.popleft()
            _enter(running)
            entered = copy_context()
            await self._run(running)
            if self._spreads != spreads or _is_marked(lane) or _differs(entered):
                return

    async def _run_apart(self, running: RunningTask) -> None:
        _enter(running)
        await self._run(running)

    def _spread(self) -> None:
        """Give what still waits asyncio tasks of its own."""
        self._is_open = False
        self._spreads += 1
        while self._waiting:
            self._begin(self._run_apart(self._waiting.popleft()))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        # The loop holds it until its first step; from then on what it runs does.
        _task = self._loop.create_task(work)


def _enter(running: RunningTask) -> None:
    """Give the asyncio task that runs this to *running*."""
    handle = running.handle = asyncio.current_task()
    if handle is not None:
        handle.set_name(running.leased.task_id)
    if running.context is not None:
        enter(running.context)


def _is_marked(lane: "asyncio.Task[Any] | None") -> bool:
    return lane is None or lane.cancelling() > 0


def _differs(context: Context) -> bool:
    """Tell whether the current context is not as *context* was; the same costs 0.1 µs."""
    try:
        return copy_context() != context
    except Exception:  # noqa: BLE001 - a value in it that cannot be compared
        return True
