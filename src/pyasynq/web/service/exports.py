"""All tasks that match a filter, or are in a queue, one chunk after the other, for one visitor."""

import logging
from collections.abc import AsyncIterator, Sequence

from pyasynq.admin.filters import Filter, Matcher, Scope, matcher, parse
from pyasynq.admin.redaction import Redactor, redacted
from pyasynq.admin.search_async import chunks, scope_of
from pyasynq.errors import PayloadError
from pyasynq.inspector import AsyncInspector, DamagedTask, FoundTask
from pyasynq.shown import shown
from pyasynq.task import TaskInfo, TaskState
from pyasynq.web.refusal import Refusal, as_bad_request
from pyasynq.web.service.guard import Guard
from pyasynq.web.service.reachable import check_reachable

MOST_IDS = 500  # if a filter names no more IDs, these are looked up
HIDDEN = "something of the tasks is hidden, so they cannot be exported whole; use csv or jsonl"

Exported = Sequence[TaskInfo | DamagedTask]

logger = logging.getLogger("pyasynq.web")


class ExportService:
    """Reads tasks, as many as there are, a few hundred in a round trip.

    What is kept in memory does not grow with their number. Others may change the queues meanwhile:
    a task that stays where it is, is never left out.
    """

    def __init__(self, inspector: AsyncInspector, guard: Guard, redact: Redactor | None) -> None:
        self._inspector = inspector
        self._guard = guard
        self._redact = redact

    async def tasks(self, query: str | Filter) -> AsyncIterator[Exported]:
        """Return the tasks that match a filter, in chunks, the latest first where that is possible.

        A task that matches but cannot be read is a `DamagedTask`, and so is, without an ID, a
        state of a queue that cannot be read at all.

        Args:
            query: the filter, also as text; every task if it is empty.

        Raises:
            Refusal: the visitor may not look.
            FilterError: there is a mistake in the filter.
            QueueNotFoundError: the filter names queues, none of which exists.
        """
        self._guard.check()
        wanted = parse(query) if isinstance(query, str) else query
        where = await scope_of(self._inspector, wanted)
        matches = matcher(wanted, self._inspector.clock.redis_now_ns(), self._redact)
        return self._chunks(where, matches)

    async def lines(
        self, queue: str, state: TaskState | None = None, group: str | None = None
    ) -> AsyncIterator[str]:
        """Return the tasks of a queue as lines that `pyasynq task import` reads; they hold all.

        Args:
            queue: the queue.
            state: the state; every state if not given.
            group: the tasks that wait in this group.

        Raises:
            Refusal: the visitor may not look, something of the tasks is hidden, or an argument is
                wrong.
            QueueNotFoundError: there is no such queue.
        """
        self._guard.check()
        if self._redact is not None:
            raise Refusal(409, HIDDEN)
        await check_reachable(self._inspector)
        found = self._inspector.tasks.export(queue, state=state, group=group, on_damaged=_tell)
        with as_bad_request():
            first = await anext(found, None)
        return _with(first, found)

    async def _chunks(self, where: Scope, matches: Matcher) -> AsyncIterator[Exported]:
        broken: list[DamagedTask] = []
        found = chunks(
            self._inspector,
            where,
            newest_first=True,
            most_ids=MOST_IDS,
            on_broken=lambda place, error: broken.append(
                DamagedTask(id="", queue=place.queue, state=place.state, reason=str(error))
            ),
        )
        async for _place, chunk in found:
            wanted = [each for each in chunk.tasks if _is_match(matches, each)]
            rows = [*broken, *(self._shown(each) for each in wanted)]
            broken.clear()
            if rows:
                yield rows
        if broken:
            yield broken

    def _shown(self, task: FoundTask) -> TaskInfo | DamagedTask:
        info = task.shown()
        return redacted(info, self._redact) if isinstance(info, TaskInfo) else info


async def _with(first: str | None, others: AsyncIterator[str]) -> AsyncIterator[str]:
    if first is not None:
        yield first
    async for each in others:
        yield each


def _is_match(matches: Matcher, task: FoundTask) -> bool:
    """Return whether a task matches; one that cannot be read does not if its message counts."""
    try:
        return matches(task)
    except PayloadError:
        return False


def _tell(task: DamagedTask) -> None:
    logger.warning(
        "an export has a task that cannot be read: %s of queue %s: %s",
        shown(task.id),
        shown(task.queue),
        shown(task.reason),
    )
