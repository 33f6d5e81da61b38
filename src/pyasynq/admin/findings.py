"""What a search has found, and where it goes on. Pure."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from pyasynq.admin.filters.scope import Place
from pyasynq.errors import ConfigError
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
    """Return where a search looks that goes on at *stop*; everywhere if that is None."""
    if stop is None:
        return places
    at = [each.address for each in places]
    here = (stop.queue, stop.state)
    return places[at.index(here) :] if here in at else ()
