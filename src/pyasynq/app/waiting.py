"""Whether an awaited task is done, and when to look at it again: pure but for the clock."""

import asyncio
import time
import warnings
from types import BuiltinFunctionType

from pyasynq.clock import Clock
from pyasynq.errors import (
    ConfigError,
    ResultNotKeptError,
    ResultTimeoutError,
    ServerStateError,
    TaskFailedError,
)
from pyasynq.lifecycle.backoff import Backoff
from pyasynq.options import Duration, duration_fault, to_seconds
from pyasynq.task import TaskInfo, TaskState
from pyasynq.wire.error_text import RESULT_NOT_KEPT
from pyasynq.worker.handlers.context import waiting_fault

FIRST_WAIT_S = 0.01
LONGEST_WAIT_S = 0.5

NOTHING_RUNS = (
    "the task would never be done: under app.testing() tasks run when harness.run_pending() is "
    "called; call it first, or pass a timeout if something else calls it meanwhile"
)


class Waiting:
    """One caller that waits until a task is done.

    Args:
        task_id: the ID of the task.
        timeout: for how long to wait; None for ever.
        clock: measures the timeout.
        on_demand: whether tasks run only when a test says so.

    Raises:
        ConfigError: the timeout is not a duration.
    """

    def __init__(
        self, task_id: str, timeout: Duration | None, clock: Clock, *, on_demand: bool = False
    ) -> None:
        fault = None if timeout is None else duration_fault("timeout", timeout)
        ConfigError.raise_if([fault])
        self._task_id = task_id
        self._slept_s = 0.0
        self._is_checked = False
        self._timeout_s = None if timeout is None else to_seconds(timeout)
        self._clock = clock
        self._is_endless = on_demand and timeout is None
        self._began = clock.monotonic()
        self._backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S, factor=1.5, jitter=0)

    def is_over(self, info: TaskInfo) -> bool:
        """Return whether the task is completed, so that its result can be read.

        Raises:
            TaskFailedError: it is archived.
            ResultNotKeptError: its result could not be stored, or will not be.
            ResultTimeoutError: it is not done, and the timeout is over.
        """
        if info.state in (TaskState.COMPLETED, TaskState.ARCHIVED):
            kept_or_raise(info)
            return True
        if not info.retention:
            reason = "it has no retention; write retention=600 to keep it for ten minutes"
            raise ResultNotKeptError(self._task_id, reason=reason)
        left_s = self._left_s()
        if left_s is not None and left_s <= 0:
            raise ResultTimeoutError(
                task_id=self._task_id, state=info.state.value, timeout_s=self._timeout_s or 0.0
            )
        return False

    def check_that_it_may_end(self, queue: str) -> None:
        """Warn once, at the caller's caller, if a handler waits for the task, which is in *queue*.

        Raises:
            ServerStateError: the task can never be done as long as the handler waits.
        """
        fault = None if self._is_checked else waiting_fault(queue, self._task_id)
        self._is_checked = True
        if fault is None and self._is_endless:
            raise ServerStateError(NOTHING_RUNS)
        if fault is None:
            return
        text, is_endless = fault
        if is_endless:
            raise ServerStateError(text)
        warnings.warn(text, RuntimeWarning, stacklevel=3)

    def next_s(self) -> float:
        """Return how long to wait before the task is read again: longer each time."""
        wait_s, left_s = self._backoff.next_s(), self._left_s()
        if left_s is not None:
            wait_s = max(0.0, min(wait_s, left_s))
        self._slept_s += wait_s
        return wait_s

    def _left_s(self) -> float | None:
        if self._timeout_s is None:
            return None
        passed_s = self._clock.monotonic() - self._began
        return self._timeout_s - max(passed_s, self._slept_s)  # a test may have stopped the clock


def kept_or_raise(info: TaskInfo) -> TaskInfo:
    """Return the info of a task that has ended, if it has the result of the task.

    Raises:
        TaskFailedError: the task is archived.
        ResultNotKeptError: its result could not be stored, or it has not ended after all.
    """
    if info.state is TaskState.ARCHIVED:
        raise TaskFailedError(task_id=info.id, error=info.last_error)
    if info.state is not TaskState.COMPLETED:
        raise ResultNotKeptError(info.id, reason=f"it is {info.state} again")
    if info.last_error.startswith(RESULT_NOT_KEPT):
        reason = info.last_error.removeprefix(RESULT_NOT_KEPT)
        raise ResultNotKeptError(info.id, reason=reason)
    return info


async def pause(seconds: float) -> None:
    """Sleep in real time, even if a test has replaced the clock that event loops go by."""
    if isinstance(time.monotonic, BuiltinFunctionType):
        await asyncio.sleep(seconds)
    else:
        await asyncio.to_thread(time.sleep, seconds)
