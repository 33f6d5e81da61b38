"""The tasks of one Redis: the reads of single tasks here, the rest in the parts of `AsyncTasks`."""

from collections.abc import Sequence
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import inspection
from pyasynq.broker.operations.inspection import StoredTask
from pyasynq.broker.operations.progress import read_progress
from pyasynq.errors import ConfigError, PayloadError, QueueNotFoundError, TaskNotFoundError
from pyasynq.inspector.infos import task_info
from pyasynq.inspector.task_attempts_async import AsyncTaskAttempts
from pyasynq.inspector.task_bulk_async import AsyncTaskBulk
from pyasynq.inspector.task_changes_async import AsyncTaskChanges
from pyasynq.inspector.task_control_async import AsyncTaskControl
from pyasynq.inspector.task_explanation_async import AsyncTaskExplanation
from pyasynq.inspector.task_export_async import AsyncTaskExport
from pyasynq.inspector.task_import_async import AsyncTaskImport
from pyasynq.inspector.task_walks_async import AsyncTaskWalks
from pyasynq.options import name_fault
from pyasynq.task import Progress, TaskInfo, TaskState
from pyasynq.wire.progress import decode

MOST_AT_ONCE = 500  # tasks that are read in one round trip
_STATES = {each.value: each for each in TaskState}


class AsyncTasks(
    AsyncTaskWalks,
    AsyncTaskControl,
    AsyncTaskChanges,
    AsyncTaskBulk,
    AsyncTaskExport,
    AsyncTaskImport,
    AsyncTaskExplanation,
    AsyncTaskAttempts,
):
    """The tasks of one Redis; made by `AsyncInspector`.

    Its methods are one namespace for users, and too many for one file: the bases hold those that
    list and search, that change one task or several, that change all of a state, that export and
    import, that explain, and that tell what was. They share nothing but the calls.
    """

    async def get(self, queue: str, task_id: str) -> TaskInfo:
        """Return one task.

        Raises:
            QueueNotFoundError: there is no such queue; tells if queue and ID seem to be swapped.
            TaskNotFoundError: the queue has no such task, or no longer.
            PayloadError: the task exists, but its message cannot be read.
        """
        _check_id(task_id)
        operation = inspection.get_task(self._calls.keys_of(queue), task_id)
        try:
            stored = await self._calls.run_on(queue, operation)
        except QueueNotFoundError:
            if await self._calls.run(inspection.has_queue(task_id, self._calls.namespace)):
                raise QueueNotFoundError(queue, swapped_with=task_id) from None
            raise
        if stored is None:
            raise TaskNotFoundError(queue=queue, task_id=task_id)
        return task_info(queue, task_id, stored, self._calls.clock.redis_now_ns())

    async def progress(self, queue: str, task_id: str) -> Progress | None:
        """Return how far the handler of a task said that it is; None if it has said nothing.

        It stays when the attempt has ended, until another attempt tells its own.

        Raises:
            QueueNotFoundError: there is no such queue.
            TaskNotFoundError: the queue has no such task, or no longer.
        """
        _check_id(task_id)
        operation = read_progress(self._calls.keys_of(queue), task_id)
        exists, data = await self._calls.run_on(queue, operation)
        if not exists:
            raise TaskNotFoundError(queue=queue, task_id=task_id)
        return decode(data)

    async def find(self, task_id: str) -> Sequence[TaskInfo]:
        """Return the tasks with this ID, sorted by queue: an ID is unique in its queue only.

        A task that cannot be read is left out.
        """
        _check_id(task_id)
        queues = await self._calls.usable_queues()
        answers = await self._calls.run_all(
            [inspection.get_task(self._calls.keys_of(queue), task_id) for queue in queues]
        )
        raise_first(answers, which=concerns_redis_as_a_whole)
        now_ns = self._calls.clock.redis_now_ns()
        return [
            info
            for queue, stored in zip(queues, answers, strict=True)
            if (info := _readable(queue, task_id, stored, now_ns)) is not None
        ]

    async def get_many(self, tasks: Sequence[tuple[str, str]]) -> Sequence[TaskInfo | None]:
        """Return tasks, in few round trips; see `get`.

        Args:
            tasks: each the name of its queue, and its ID.

        Returns:
            For each task, in order, its info; None if it does not exist or cannot be read.
        """
        keys_of = self._calls.keys_of
        answers = await self._read_all(
            [inspection.get_task(keys_of(queue), task_id) for queue, task_id in tasks]
        )
        now_ns = self._calls.clock.redis_now_ns()
        return [
            _readable(queue, task_id, stored, now_ns)
            for (queue, task_id), stored in zip(tasks, answers, strict=True)
        ]

    async def states(self, tasks: Sequence[tuple[str, str]]) -> Sequence[TaskState | None]:
        """Return the states of tasks, in few round trips and without their payloads.

        Args:
            tasks: each the name of its queue, and its ID.

        Returns:
            For each task, in order, its state; None if it does not exist.
        """
        keys_of = self._calls.keys_of
        answers = await self._read_all(
            [inspection.task_state(keys_of(queue), task_id) for queue, task_id in tasks]
        )
        return [_state(answer) for answer in answers]

    async def _read_all(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Run operations that read, a bounded number in a round trip."""
        answers: list[Any] = []
        for first in range(0, len(operations), MOST_AT_ONCE):
            answers += await self._calls.run_all(operations[first : first + MOST_AT_ONCE])
            raise_first(answers[first:], which=concerns_redis_as_a_whole)
        return answers


def _readable(queue: str, task_id: str, stored: object, now_ns: int) -> TaskInfo | None:
    """Return the info of a task; None if there is none or it cannot be read."""
    if not isinstance(stored, StoredTask):
        return None
    try:
        return task_info(queue, task_id, stored, now_ns)
    except PayloadError:
        return None


def _state(answer: object) -> TaskState | None:
    return _STATES.get(answer) if isinstance(answer, str) else None


def _check_id(task_id: str) -> None:
    ConfigError.raise_if([name_fault("task_id", task_id)])
