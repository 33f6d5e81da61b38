"""Tasks of one state: pages of them, all of them, and those that match a search."""

from collections.abc import AsyncIterator, Callable, Sequence

from pyasynq.answers import raise_first
from pyasynq.broker.operations import groups as group_operations
from pyasynq.broker.operations import queue_control
from pyasynq.broker.operations.task_lists import (
    Container,
    Content,
    Listed,
    ListedTask,
    container,
    list_tasks,
    walk_tasks,
)
from pyasynq.errors import ConfigError
from pyasynq.inspector import walks
from pyasynq.inspector.calls_async import AsyncCalls
from pyasynq.inspector.found_task import ONLY_LISTED, FoundTask, since
from pyasynq.inspector.pages import (
    MOST_AT_ONCE,
    DamagedTask,
    SearchResult,
    TaskPage,
    check_page,
    shown_task,
    sorted_out,
    whole_number_fault,
)
from pyasynq.inspector.walks import Place
from pyasynq.task import TaskInfo, TaskState

STEP = 200  # tasks that a walk reads in one round trip
REMEMBERED = 2000  # IDs by which `iterate` recognises a task that comes twice
MOST_SCANNED = 100_000  # tasks that one call of `search` looks at


class AsyncTaskPages:
    """The methods of `inspector.tasks` that read many tasks."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def list(
        self,
        queue: str,
        state: TaskState | str,
        *,
        page: int = 1,
        page_size: int = 30,
        group: str | None = None,
        newest_first: bool = False,
    ) -> TaskPage:
        """Return a page of the tasks in one state.

        They come in the order in which they are worked on or expire: pending tasks as they will be
        fetched, active ones as they were fetched, scheduled and retried ones by their due time,
        archived ones by when they were archived, completed ones by when they expire, members of a
        group by when they joined it. Between two pages tasks may come and go; see `iterate`.

        Args:
            queue: the queue.
            state: the state, also as text such as "pending".
            page: number of the page, from 1.
            page_size: how many tasks, from 1 to 1,000.
            group: for tasks that are aggregating: the group; all groups, by name, if not given.
            newest_first: the reverse order.

        Raises:
            ConfigError: an argument is wrong.
            QueueNotFoundError: there is no such queue.
        """
        state = walks.state_of(state)
        check_page(page, page_size)
        walks.check_group(state, group)
        first = (page - 1) * page_size
        if state is TaskState.AGGREGATING and group is None:
            found, total = await self._of_groups(queue, first, page_size, is_reversed=newest_first)
        else:
            where = container(self._calls.keys_of(queue), state, group or "")
            # The oldest of a list is at its tail; the first of a set has the lowest score.
            is_from_tail = newest_first != (where.kind == "list")
            found, total = await self._ranks(
                queue, where, first, page_size, is_from_tail=is_from_tail
            )
        now_ns = self._calls.clock.redis_now_ns()
        seen = [FoundTask(queue, state, each, now_ns) for each in found]
        tasks, damaged = sorted_out(each.shown() for each in seen)
        return TaskPage(
            tasks=tasks,
            damaged=damaged,
            total=total,
            page=page,
            page_size=page_size,
            since=since(seen) if state in ONLY_LISTED else {},
        )

    async def iterate(
        self,
        queue: str,
        state: TaskState | str,
        *,
        group: str | None = None,
        on_damaged: Callable[[DamagedTask], object] | None = None,
    ) -> AsyncIterator[TaskInfo]:
        """Yield every task in one state, a few hundred in a round trip.

        Others may change the queue meanwhile, and so may the caller: a task that stays in this
        state is never left out. One may come twice if very many tasks come or go between two round
        trips. Pending and active tasks come the latest first, all others in the order of `list`.

        Args:
            queue: the queue.
            state: the state, also as text such as "pending".
            group: for tasks that are aggregating: the group; all groups, by name, if not given.
            on_damaged: called with each task that is gone or cannot be read, which is not yielded.

        Raises:
            ConfigError: an argument is wrong.
            QueueNotFoundError: there is no such queue.
        """
        state = walks.state_of(state)
        walks.check_group(state, group)
        place = await self._start(queue, state, group)
        recent: dict[str, None] = {}
        while place is not None:
            listed = await self._walk(queue, place, STEP)
            now_ns = self._calls.clock.redis_now_ns()
            for each in listed.tasks:
                if each.task_id in recent:
                    continue
                recent[each.task_id] = None
                shown = shown_task(queue, each, state, now_ns)
                if isinstance(shown, TaskInfo):
                    yield shown
                elif on_damaged is not None:
                    on_damaged(shown)
            for old in tuple(recent)[:-REMEMBERED]:
                del recent[old]
            place = await self._following(queue, place, listed, (state,), group)

    async def search(
        self,
        queue: str,
        *,
        state: TaskState | str | None = None,
        group: str | None = None,
        type: str = "",  # noqa: A002 - what it is called everywhere
        text: str = "",
        where: Callable[[TaskInfo], bool] | None = None,
        limit: int = 30,
        scan: int = 2000,
        cursor: str | None = None,
    ) -> SearchResult:
        """Look for tasks, and stop when enough are found or enough were looked at.

        Redis has no index of tasks: each one is read and compared here. Call again with the cursor
        of the result to go on; what `iterate` says of tasks that come and go is true here, too.

        Args:
            queue: the queue.
            state: the state, also as text such as "pending"; every state if not given.
            group: for tasks that are aggregating: the group; all groups if not given.
            type: the task type, in which * stands for any text, such as "email:*".
            text: what the ID, the payload or the last error contains.
            where: any other condition.
            limit: how many tasks to find, from 1 to 500.
            scan: how many tasks to look at, from 1 to 100,000.
            cursor: of the result before; the search begins anew if not given.

        Raises:
            ConfigError: an argument is wrong.
            QueueNotFoundError: there is no such queue.
        """
        states = walks.STATES if state is None else (walks.state_of(state),)
        ConfigError.raise_if(
            [
                whole_number_fault("limit", limit, most=500),
                whole_number_fault("scan", scan, most=MOST_SCANNED),
            ]
        )
        walks.check_group(TaskState.AGGREGATING if state is None else states[0], group)
        matches = walks.matcher(type, text, where)
        tasks: list[TaskInfo] = []
        damaged: list[DamagedTask] = []
        scanned = 0
        begin = walks.place_of(cursor) if cursor is not None else None
        place = begin or await self._start(queue, states[0], group)
        while place is not None and scanned < scan and len(tasks) < limit:
            listed = await self._walk(queue, place, min(STEP, scan - scanned))
            now_ns = self._calls.clock.redis_now_ns()
            seen = 0
            for each in listed.tasks:
                seen += 1
                shown = shown_task(queue, each, place.state, now_ns)
                if isinstance(shown, DamagedTask):
                    damaged.append(shown)
                elif matches(shown):
                    tasks.append(shown)
                if len(tasks) == limit:
                    break
            scanned += seen
            if seen < len(listed.tasks):
                place = walks.after(place, listed.rank, listed.tasks[:seen])
            else:
                place = await self._following(queue, place, listed, states, group)
        return SearchResult(
            tasks=tuple(tasks),
            damaged=tuple(damaged),
            scanned=scanned,
            cursor=None if place is None else walks.cursor_of(place),
        )

    async def _ranks(
        self, queue: str, where: Container, first: int, limit: int, *, is_from_tail: bool
    ) -> tuple[Sequence[ListedTask], int]:
        """Read tasks by their rank, in more than one round trip if they are large."""
        found: list[ListedTask] = []
        while True:
            operation = list_tasks(
                self._calls.keys_of(queue),
                where,
                first=first + len(found),
                limit=min(MOST_AT_ONCE, limit - len(found)),
                is_from_tail=is_from_tail,
            )
            listed = await self._calls.run_on(queue, operation)
            found += listed.tasks
            if not listed.tasks or len(found) == limit or first + len(found) >= listed.size:
                return found, listed.size

    async def _of_groups(
        self, queue: str, first: int, limit: int, *, is_reversed: bool
    ) -> tuple[Sequence[ListedTask], int]:
        """Read tasks by their rank among the members of all groups, which are sorted by name."""
        keys = self._calls.keys_of(queue)
        names = await self._groups(queue)
        sizes = await self._calls.run_all([queue_control.group_size(keys, name) for name in names])
        raise_first(sizes)
        found: list[ListedTask] = []
        total = 0
        pairs = list(zip(names, sizes, strict=True))
        for name, size in reversed(pairs) if is_reversed else pairs:
            skipped = max(0, first + len(found) - total)
            if skipped < size and len(found) < limit:
                where = container(keys, TaskState.AGGREGATING, name)
                found += (
                    await self._ranks(
                        queue, where, skipped, limit - len(found), is_from_tail=is_reversed
                    )
                )[0]
            total += size
        return found, total

    async def _start(self, queue: str, state: TaskState, group: str | None) -> Place | None:
        """Return where a walk through the tasks of a state begins; None if there are no groups."""
        if state is not TaskState.AGGREGATING or group is not None:
            return Place(state=state, group=group or "")
        names = await self._groups(queue)
        return Place(state=state, group=names[0]) if names else None

    async def _walk(
        self,
        queue: str,
        place: Place,
        limit: int,
        *,
        is_reversed: bool = False,
        content: Content = "all",
    ) -> Listed:
        keys = self._calls.keys_of(queue)
        operation = walk_tasks(
            keys,
            container(keys, place.state, place.group),
            rank=place.rank,
            limit=limit,
            last_score=place.last_score,
            passed=place.passed,
            is_reversed=is_reversed,
            content=content,
        )
        return await self._calls.run_on(queue, operation)

    async def _following(
        self,
        queue: str,
        place: Place,
        listed: Listed,
        states: Sequence[TaskState],
        group: str | None,
    ) -> Place | None:
        """Return where a walk goes on after *listed*; None at its end."""
        if listed.tasks:
            return walks.after(place, listed.rank, listed.tasks)
        if place.state is TaskState.AGGREGATING and group is None:
            later = [name for name in await self._groups(queue) if name > place.group]
            if later:
                return Place(state=place.state, group=later[0])
        at = states.index(place.state) + 1 if place.state in states else len(states)
        return await self._start(queue, states[at], group) if at < len(states) else None

    async def _groups(self, queue: str) -> Sequence[str]:
        """Return the names of all groups, sorted."""
        keys = self._calls.keys_of(queue)
        names: set[str] = set()
        cursor = 0
        while True:
            operation = group_operations.list_groups(keys, cursor=cursor)
            cursor, some = await self._calls.run_on(queue, operation)
            names.update(some)
            if not cursor:
                return sorted(names)
