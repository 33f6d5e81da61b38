"""Walks through the tasks of a queue in steps that others can stop and resume."""

from collections.abc import Sequence

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import inspection
from pyasynq.broker.operations.task_lists import Content
from pyasynq.errors import ConfigError
from pyasynq.inspector import walks
from pyasynq.inspector.found_task import FoundTask, TaskChunk, found_alone
from pyasynq.inspector.pages import MOST_AT_ONCE, whole_number_fault
from pyasynq.inspector.task_pages_async import AsyncTaskPages
from pyasynq.task import TaskState


class AsyncTaskWalks(AsyncTaskPages):
    """The methods of `inspector.tasks` that read tasks without decoding them."""

    async def walk(
        self,
        queue: str,
        state: TaskState | str,
        *,
        group: str | None = None,
        newest_first: bool = False,
        limit: int = MOST_AT_ONCE,
        content: Content = "all",
        cursor: str | None = None,
    ) -> TaskChunk:
        """Take one step of a walk through the tasks in one state, in one round trip.

        What `iterate` says of tasks that come and go is true here, too, but a task may come twice
        more often.

        Args:
            queue: the queue.
            state: the state, also as text such as "pending".
            group: for tasks that are aggregating: the group; all groups, by name, if not given.
            newest_first: archived, completed and aggregating tasks come the latest first; pending
                and active ones do so anyway, scheduled and retried ones never.
            limit: how many tasks at most, from 1 to 500; large ones come fewer at a time.
            content: what to read of each task: "all"; "message", which is half the work for Redis
                and leaves out the result, since when a task is pending, and fractions of the second
                in which it is due; "none", without the message, too. `look` reads the rest.
            cursor: of the step before, with the same arguments; the first step if not given.

        Raises:
            ConfigError: an argument is wrong.
            QueueNotFoundError: there is no such queue.
        """
        state = walks.state_of(state)
        ConfigError.raise_if([whole_number_fault("limit", limit, most=MOST_AT_ONCE)])
        walks.check_group(state, group)
        is_reversed = newest_first and state in walks.REVERSIBLE
        place = walks.place_of(cursor) if cursor is not None else None
        place = place or await self._start(queue, state, group)
        if place is None:
            await self._calls.check_known(queue)
            return TaskChunk(tasks=(), cursor=None)
        listed = await self._walk(queue, place, limit, is_reversed=is_reversed, content=content)
        now_ns = self._calls.clock.redis_now_ns()
        following = await self._following(queue, place, listed, (state,), group)

        def cursor_after(count: int) -> str:
            return walks.cursor_of(walks.after(place, listed.rank, listed.tasks[:count]))

        return TaskChunk(
            tasks=[FoundTask(queue, place.state, each, now_ns) for each in listed.tasks],
            content=content,
            cursor=None if following is None else walks.cursor_of(following),
            size=listed.size,
            cursors=cursor_after,
        )

    async def look(self, tasks: Sequence[tuple[str, str]]) -> Sequence[FoundTask | None]:
        """Read tasks in one round trip without decoding them, as `walk` does.

        What only the list of a task tells, since when it is archived or in its group, is not known
        then.

        Args:
            tasks: each the name of its queue, and its ID; at most 500.

        Returns:
            For each task, in order, what is stored; None if there is no such task.

        Raises:
            ConfigError: there are too many.
        """
        if len(tasks) > MOST_AT_ONCE:
            raise ConfigError(f"at most {MOST_AT_ONCE} tasks are read at once, not {len(tasks)}")
        keys_of = self._calls.keys_of
        answers = await self._calls.run_all(
            [inspection.get_task(keys_of(queue), task_id) for queue, task_id in tasks]
        )
        raise_first(answers, which=concerns_redis_as_a_whole)
        now_ns = self._calls.clock.redis_now_ns()
        return [
            found_alone(queue, task_id, answer, now_ns)
            for (queue, task_id), answer in zip(tasks, answers, strict=True)
        ]
