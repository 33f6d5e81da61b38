"""All tasks of a state at once."""

from collections.abc import Callable

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import task_control
from pyasynq.broker.operations.task_control import Chunk
from pyasynq.broker.operations.task_lists import Container, container
from pyasynq.inspector import archive
from pyasynq.inspector.bulk import AT_ONCE, OnProgress, checked
from pyasynq.inspector.calls_async import AsyncCalls
from pyasynq.task import TaskState


class AsyncTaskBulk:
    """The methods of `inspector.tasks` that change all tasks of a state."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def run_all(
        self,
        queue: str,
        state: TaskState | str,
        *,
        group: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> int:
        """Make all tasks of a state pending, at most 500 in a call of Redis.

        As many tasks are moved as there are at the beginning: those that come meanwhile may stay.
        Safe to repeat. If it is stopped, by an error or by what *on_progress* raises, the tasks
        that it has moved stay moved.

        Args:
            queue: the queue.
            state: scheduled, retry, archived or aggregating, also as text.
            group: for tasks that are aggregating: the group.
            on_progress: called after each 500 tasks, with how many are done, and of how many.

        Returns:
            How many tasks were moved. It may lack some if an answer of Redis was lost.

        Raises:
            ConfigError: an argument is wrong.
            QueueNotFoundError: there is no such queue.
        """
        where = self._where(queue, checked("run_all", state, group), group)
        keys = self._calls.keys_of(queue)

        def move(limit: int) -> Operation[Chunk]:
            now_ns = self._calls.clock.redis_now_ns()
            return task_control.move_many(
                keys, where, TaskState.PENDING, now_ns=now_ns, limit=limit
            )

        return await self._each_chunk(queue, move, on_progress)

    async def archive_all(
        self,
        queue: str,
        state: TaskState | str,
        *,
        group: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> int:
        """Archive all tasks of a state, at most 500 in a call of Redis; see `run_all`.

        While the archive has more than 9,999 tasks, or tasks of more than 90 days ago, its oldest
        ones are deleted, about as many as are added.

        Args:
            queue: the queue.
            state: pending, scheduled, retry or aggregating, also as text.
            group: for tasks that are aggregating: the group.
            on_progress: called after each 500 tasks, with how many are done, and of how many.

        Returns:
            How many tasks were archived. It may lack some if an answer of Redis was lost.

        Raises:
            ConfigError: an argument is wrong.
            QueueNotFoundError: there is no such queue.
        """
        where = self._where(queue, checked("archive_all", state, group), group)
        keys = self._calls.keys_of(queue)

        def move(limit: int) -> Operation[Chunk]:
            now_ns = self._calls.clock.redis_now_ns()
            return task_control.move_many(
                keys, where, TaskState.ARCHIVED, now_ns=now_ns, limit=limit
            )

        return await self._each_chunk(queue, move, on_progress, is_archiving=True)

    async def delete_all(
        self,
        queue: str,
        state: TaskState | str,
        *,
        group: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> int:
        """Delete all tasks of a state, with their locks, at most 500 in a call; see `run_all`.

        Args:
            queue: the queue.
            state: any but active, also as text.
            group: for tasks that are aggregating: the group.
            on_progress: called after each 500 tasks, with how many are done, and of how many.

        Returns:
            How many tasks were deleted. It may lack some if an answer of Redis was lost.

        Raises:
            ConfigError: an argument is wrong.
            QueueNotFoundError: there is no such queue.
        """
        where = self._where(queue, checked("delete_all", state, group), group)
        keys = self._calls.keys_of(queue)

        def delete(limit: int) -> Operation[Chunk]:
            return task_control.delete_many(keys, where, limit=limit)

        return await self._each_chunk(queue, delete, on_progress)

    def _where(self, queue: str, state: TaskState, group: str | None) -> Container:
        return container(self._calls.keys_of(queue), state, group or "")

    async def _each_chunk(
        self,
        queue: str,
        chunk_of: Callable[[int], Operation[Chunk]],
        on_progress: OnProgress | None,
        *,
        is_archiving: bool = False,
    ) -> int:
        """Run one chunk after the other until as many IDs were taken as there were at first."""
        await self._calls.check_known(queue)
        taken = changed = 0
        left = AT_ONCE
        total = None
        while left > 0:
            chunk = await self._calls.run(chunk_of(min(AT_ONCE, left)))
            taken += chunk.taken
            changed += chunk.changed
            total = chunk.taken + chunk.left if total is None else total
            left = min(total - taken, chunk.left)
            if is_archiving and chunk.changed:
                keys, now_ns = self._calls.keys_of(queue), self._calls.clock.redis_now_ns()
                await self._calls.run(archive.trim(keys, added=chunk.changed, now_ns=now_ns))
            if on_progress is not None and chunk.taken:
                on_progress(taken, total)
        return changed
