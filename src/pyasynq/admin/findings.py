"""What a search has found, and where it goes on. Pure."""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyasynq.admin.filters.matching import Matcher
from pyasynq.admin.filters.scope import Place
from pyasynq.admin.redaction import Redactor, redacted
from pyasynq.errors import ConfigError, PayloadError, PyasynqError
from pyasynq.inspector.found_task import FoundTask
from pyasynq.inspector.pages import DamagedTask
from pyasynq.task import TaskInfo, TaskState

# The order in which states are looked at: what an operator looks for most often comes first.
STATES = (
    *(TaskState.ACTIVE, TaskState.RETRY, TaskState.ARCHIVED, TaskState.PENDING),
    *(TaskState.SCHEDULED, TaskState.AGGREGATING, TaskState.COMPLETED),
)

MOST_FOUND = 10_000  # tasks in one result
MOST_DAMAGED = 100  # of those that cannot be read, in one result


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search has found so far.

    Attributes:
        tasks: those that match.
        damaged: IDs whose tasks are gone or cannot be read, at most 100 of them.
        unreadable: how many of these there were.
        broken: what could not be read at all, and why.
        scanned: how many tasks were looked at by this call.
        cursor: give it to the next call, with the same filter, to go on; None at the end.
    """

    tasks: tuple[TaskInfo, ...]
    damaged: tuple[DamagedTask, ...]
    unreadable: int
    broken: tuple[str, ...]
    scanned: int
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Where a search has stopped.

    Attributes:
        queue, state: where it goes on.
        cursor: of the walk there; None for its beginning.
    """

    queue: str
    state: TaskState
    cursor: str | None


class Gathered:
    """What a search has found while it goes on.

    Args:
        matches: tells whether a task matches.
        limit: how many tasks to find.
    """

    def __init__(self, matches: Matcher, limit: int) -> None:
        self._matches = matches
        self._left = limit
        self._tasks: list[TaskInfo] = []
        self._damaged: list[DamagedTask] = []
        self._unreadable = 0
        self._broken: list[str] = []
        self.scanned = 0

    @property
    def is_full(self) -> bool:
        """Whether enough was found."""
        return not self._left

    def matching(self, tasks: Sequence[FoundTask]) -> tuple[int, Sequence[FoundTask]]:
        """Return how many tasks were looked at until enough was found, and those that match."""
        found: list[FoundTask] = []
        seen = 0
        for task in tasks:
            seen += 1
            try:
                is_match = self._matches(task)
            except PayloadError as error:
                reason = str(error)
                self._add_damaged(
                    DamagedTask(id=task.id, queue=task.queue, state=task.state, reason=reason)
                )
                continue
            if is_match:
                found.append(task)
                if len(found) == self._left:
                    break
        self._left -= len(found)
        self.scanned += seen
        return seen, found

    def add(self, tasks: Iterable[FoundTask]) -> None:
        """Take tasks that match, of which all was read."""
        for task in tasks:
            shown = task.shown()
            if isinstance(shown, TaskInfo):
                self._tasks.append(shown)
            else:
                self._add_damaged(shown)

    def add_broken(self, place: Place, error: PyasynqError) -> None:
        """Take a place that cannot be read."""
        self._broken.append(f"{place}: {error}")

    def result(self, stop: Stop | None, redact: Redactor | None) -> Found:
        """Return all of it.

        Args:
            stop: where the search has stopped.
            redact: hides what must not be shown.
        """
        return Found(
            tasks=tuple(redacted(task, redact) for task in self._tasks),
            damaged=tuple(self._damaged),
            unreadable=self._unreadable,
            broken=tuple(self._broken),
            scanned=self.scanned,
            cursor=encode_stop(stop),
        )

    def _add_damaged(self, task: DamagedTask) -> None:
        self._unreadable += 1
        if len(self._damaged) < MOST_DAMAGED:
            self._damaged.append(task)


def encode_stop(stop: Stop | None) -> str | None:
    """Return the cursor of a search; None if it is at its end."""
    if stop is None:
        return None
    where = json.dumps([stop.queue, stop.state.value]).encode()
    return f"{base64.urlsafe_b64encode(where).decode()}.{stop.cursor or ''}"


def decode_stop(cursor: str) -> Stop:
    """Return where a search goes on.

    Raises:
        ConfigError: the cursor is not that of a search.
    """
    try:
        where, _, place = cursor.partition(".")
        queue, state = json.loads(base64.urlsafe_b64decode(where))
        if isinstance(queue, str):
            return Stop(queue=queue, state=TaskState(state), cursor=place or None)
    except (TypeError, ValueError, RecursionError):
        pass
    raise ConfigError("cursor must be the cursor of an earlier result of this search")


def remaining(places: Sequence[Place], stop: Stop | None) -> Sequence[Place]:
    """Return where a search looks that goes on at *stop*; everywhere if that is None.

    The queue in which it has stopped may be gone meanwhile; it goes on with what comes after it.
    """
    if stop is None:
        return places
    here = (stop.queue, STATES.index(stop.state))
    return [each for each in places if (each.queue, STATES.index(each.state)) >= here]
