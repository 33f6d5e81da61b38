"""What was enqueued in a test, also by clients that are not of its App, and what has run since."""

import dataclasses
from collections.abc import Iterable

from pyasynq.app.harness.enqueued import EnqueuedTask, EnqueuedTasks
from pyasynq.app.harness.wanted import Enqueued
from pyasynq.clock import FakeClock
from pyasynq.task import TaskState

# Where a task is that was enqueued and has not ended.
_OPEN = (
    TaskState.PENDING,
    TaskState.SCHEDULED,
    TaskState.AGGREGATING,
    TaskState.RETRY,
    TaskState.ACTIVE,
)


class EnqueueLog:
    """The tasks of one test as they were enqueued, in the order in which they were first seen.

    A test is told of a task that it did not wait for, so Redis is looked at before anything runs,
    before the clock moves, and when the test asks.

    Args:
        tasks: reads what is in Redis.
        clock: stands still between the enqueue of a task and its first look.
    """

    def __init__(self, tasks: EnqueuedTasks, clock: FakeClock) -> None:
        self._tasks = tasks
        self._clock = clock
        self._known: set[tuple[str, str]] = set()
        self._log: list[Enqueued] = []

    def look(self) -> list[Enqueued]:
        """Note what is new in Redis, and return all that was enqueued so far."""
        self._note(self._tasks.new(_OPEN, self._known))
        return list(self._log)

    def on_attempt(self, queue: str, task_id: str) -> None:
        """Note a task that was enqueued after the last look, and runs already."""
        if (queue, task_id) not in self._known:
            found = self._tasks.one(queue, task_id)
            if found is not None:
                now = self._clock.now
                self._note([dataclasses.replace(found, state=TaskState.PENDING, due_at=now)])

    def on_success(self, queue: str, task_id: str) -> None:
        """Hear that a task has ended: from now on another one may have its ID."""
        self._known.discard((queue, task_id))

    def _note(self, tasks: Iterable[EnqueuedTask]) -> None:
        for each in tasks:
            self._known.add((each.queue, each.id))
            self._log.append(Enqueued(each, self._clock.now))
