"""How far the tasks of a batch are, and what they returned: pure but for the clock."""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from typing_extensions import override

from pyasynq.app.handle import TaskHandle
from pyasynq.app.waiting import kept_or_raise
from pyasynq.clock import Clock
from pyasynq.errors import (
    BatchTimeoutError,
    ConfigError,
    PyasynqError,
    ResultNotKeptError,
    ServerStateError,
)
from pyasynq.lifecycle.backoff import Backoff
from pyasynq.options import Duration, duration_fault, to_seconds
from pyasynq.task import TaskInfo, TaskState
from pyasynq.worker.handlers.context import waiting_fault

R = TypeVar("R")

FIRST_WAIT_S = 0.01
LONGEST_WAIT_S = 1.0
READING_SHARE = 4  # a wait is this many times as long as the reading before it

ENDED = (None, TaskState.COMPLETED, TaskState.ARCHIVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCounts:
    """How many tasks of a batch are in each state.

    Attributes:
        pending: those that wait in their queue.
        active: those that run.
        scheduled: those whose time has not come.
        retry: those that have failed and wait for their next attempt.
        aggregating: those that wait in a group.
        completed: those that are done and kept.
        archived: those that have failed for good.
        gone: those that no longer exist: done without a retention, dropped, or deleted.
    """

    pending: int = 0
    active: int = 0
    scheduled: int = 0
    retry: int = 0
    aggregating: int = 0
    completed: int = 0
    archived: int = 0
    gone: int = 0

    @classmethod
    def of(cls, states: Sequence[TaskState | None]) -> Self:
        """Count *states*; None stands for a task that is gone."""
        counted = Counter("gone" if state is None else state.value for state in states)
        return cls(**counted)

    @property
    def total(self) -> int:
        """All tasks of the batch."""
        return self.ended + self.left

    @property
    def done(self) -> int:
        """Those that are completed or gone."""
        return self.completed + self.gone

    @property
    def ended(self) -> int:
        """Those that are done or archived."""
        return self.done + self.archived

    @property
    def left(self) -> int:
        """Those that have not ended."""
        return self.pending + self.active + self.scheduled + self.retry + self.aggregating

    @override
    def __str__(self) -> str:
        return f"{self.done} done, {self.archived} failed, {self.left} left"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult(Generic[R]):
    """What became of one call of a batch.

    Attributes:
        handle: of its task; None if it was not enqueued.
        value: what the function returned; None if it has failed, too.
        error: why there is no value; None if there is one.
    """

    handle: TaskHandle[R] | None = None
    value: R | None = None
    error: Exception | None = None


class BatchWaiting:
    """One caller that waits until the tasks of a batch have ended.

    Args:
        places: the queue and the ID of each task.
        timeout: for how long to wait; None for ever.
        clock: measures the timeout.

    Attributes:
        left: the places of the tasks that had not ended when they were last read.
        counts: of all tasks at that moment.

    Raises:
        ConfigError: the timeout is not a duration.
    """

    def __init__(
        self, places: Sequence[tuple[str, str]], timeout: Duration | None, clock: Clock
    ) -> None:
        fault = None if timeout is None else duration_fault("timeout", timeout)
        ConfigError.raise_if([fault])
        self.left: list[tuple[str, str]] = list(places)
        self.counts: BatchCounts = BatchCounts()
        self._ended: list[TaskState | None] = []
        self._timeout_s = None if timeout is None else to_seconds(timeout)
        self._clock = clock
        self._began = self._asked_at = clock.monotonic()
        self._slept_s = self._reading_s = 0.0
        self._is_first, self._is_checked = True, False
        self._backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S, factor=1.5, jitter=0)

    def take(self, states: Sequence[TaskState | None]) -> bool:
        """Take the states of the tasks that were left; return whether the counts are others."""
        self._reading_s = self._clock.monotonic() - self._asked_at
        before, was_first = self.counts, self._is_first
        self._is_first = False
        self._ended += [state for state in states if state in ENDED]
        waiting = [state for state in states if state not in ENDED]
        found = zip(self.left, states, strict=True)
        self.left = [place for place, state in found if state not in ENDED]
        self.counts = BatchCounts.of([*self._ended, *waiting])
        return was_first or self.counts != before

    @property
    def is_over(self) -> bool:
        """Whether every task has ended."""
        return not self.left

    def next_s(self) -> float:
        """Return how long to wait before the tasks are read again.

        Raises:
            BatchTimeoutError: the timeout is over.
            ServerStateError: the tasks can never end as long as the caller waits.
        """
        if not self._is_checked:
            self._is_checked = True
            _check_that_it_may_end(self.left)
        wait_s = max(self._backoff.next_s(), READING_SHARE * self._reading_s)
        if self._timeout_s is not None:
            passed_s = self._clock.monotonic() - self._began
            # A test may have stopped the clock.
            left_s = self._timeout_s - max(passed_s, self._slept_s)
            if left_s <= 0:
                raise BatchTimeoutError(counts=self.counts, timeout_s=self._timeout_s)
            wait_s = min(wait_s, left_s)
        self._slept_s += wait_s
        self._asked_at = self._clock.monotonic() + wait_s
        return wait_s


def result_of(
    handle: TaskHandle[R], info: TaskInfo | None, decode: Callable[[TaskInfo], Any]
) -> TaskResult[R]:
    """Return what became of a task that has ended; None for the info of one that is gone."""
    try:
        if info is None:
            raise ResultNotKeptError(handle.id)
        return TaskResult(handle=handle, value=decode(kept_or_raise(info)))
    except PyasynqError as error:
        return TaskResult(handle=handle, error=error.with_traceback(None))


def _check_that_it_may_end(places: Sequence[tuple[str, str]]) -> None:
    """Warn, where the user calls a method of the batch, if a handler waits.

    Raises:
        ServerStateError: the tasks can never end as long as the handler waits.
    """
    fault = waiting_fault(*places[0]) if places else None
    if fault is None:
        return
    text, is_endless = fault
    if is_endless:
        raise ServerStateError(text)
    warnings.warn(text, RuntimeWarning, stacklevel=5)
