"""A walk through the tasks of a queue, as data: where it is, and what a search looks for."""

import base64
import json
import re
from collections.abc import Callable, Sequence

import msgspec

from pyasynq.broker.operations.task_lists import ListedTask
from pyasynq.broker.operations.transfer import StoredHash
from pyasynq.errors import ConfigError
from pyasynq.options import name_fault
from pyasynq.spelling import nearest
from pyasynq.task import TaskInfo, TaskState

STATES = (
    *(TaskState.ACTIVE, TaskState.PENDING, TaskState.SCHEDULED, TaskState.RETRY),
    *(TaskState.ARCHIVED, TaskState.COMPLETED, TaskState.AGGREGATING),
)
REVERSIBLE = (TaskState.ARCHIVED, TaskState.COMPLETED, TaskState.AGGREGATING)
MOST_RANK = 2**53  # what Lua counts exactly
MOST_TEXTS = 64  # in a cursor; a walk remembers far fewer IDs


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a walk goes on.

    Attributes:
        state: whose tasks come next.
        group: of these, if they are aggregating; empty before the first group.
        rank: of the next task, if nothing has changed.
        last_score: of the last task, as text; empty at the beginning.
        passed: IDs of some of the last tasks, the last one first.
    """

    state: TaskState
    group: str = ""
    rank: int = 0
    last_score: str = ""
    passed: tuple[str, ...] = ()


def after(place: Place, rank: int, tasks: Sequence[ListedTask | StoredHash]) -> Place:
    """Return the place after *tasks*, of which the first one had *rank*.

    Of the tasks it remembers the last one, the one before that, and those 4, 8, 16 … from the end:
    if the user deletes some of them before going on, others still tell where that is.
    """
    if not tasks:
        return place
    score = tasks[-1].score
    steps = (1 << power for power in range(len(tasks).bit_length()))
    passed = tuple(tasks[-step].task_id for step in steps if step <= len(tasks))
    return msgspec.structs.replace(
        place,
        rank=rank + len(tasks),
        last_score="" if score is None else repr(score),
        passed=passed,
    )


def cursor_of(place: Place) -> str:
    """Return *place* as text."""
    fields = [place.state.value, place.group, place.rank, place.last_score, *place.passed]
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()


def place_of(cursor: str) -> Place:
    """Return the place that `cursor_of` has written.

    Raises:
        ConfigError: it was not written by it.
    """
    try:
        state, group, rank, last_score, *passed = json.loads(base64.urlsafe_b64decode(cursor))
        texts = (state, group, last_score, *passed)
        is_rank = isinstance(rank, int) and 0 <= rank <= MOST_RANK
        if is_rank and len(texts) <= MOST_TEXTS and all(isinstance(each, str) for each in texts):
            float(last_score or 0)
            return Place(
                state=TaskState(state),
                group=group,
                rank=rank,
                last_score=last_score,
                passed=tuple(passed),
            )
    except (TypeError, ValueError, RecursionError):
        pass
    raise ConfigError("cursor must be the cursor of an earlier result of this search")


def state_of(state: object) -> TaskState:
    """Return the state of this name.

    Raises:
        ConfigError: there is no such state.
    """
    try:
        return TaskState(str(state))
    except ValueError:
        names = [each.value for each in STATES]
        near = nearest(str(state), names)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ConfigError(
            f"state must be {', '.join(names[:-1])} or {names[-1]}, not {state!r}{hint}"
        ) from None


def check_group(state: TaskState, group: str | None) -> None:
    """Raise a ConfigError if *group* is not a name, or is given for another state."""
    if group is None:
        return
    ConfigError.raise_if([name_fault("group", group)])
    if state is not TaskState.AGGREGATING:
        raise ConfigError(f"only tasks that are aggregating are in a group, not {state.value} ones")


def matcher(
    type_pattern: str, text: str, where: Callable[[TaskInfo], bool] | None
) -> Callable[[TaskInfo], bool]:
    """Return a function that tells whether a task matches all that is given.

    Args:
        type_pattern: its type, in which each * stands for any text; empty for any type.
        text: what its ID, its payload or its last error contains; empty for anything.
        where: any other condition.
    """
    parts = map(re.escape, type_pattern.split("*"))
    pattern = re.compile(".*".join(parts), re.DOTALL)
    data = text.encode("utf-8", "surrogateescape")

    def matches(task: TaskInfo) -> bool:
        return (
            (not type_pattern or pattern.fullmatch(task.type) is not None)
            and (not text or text in task.id or data in task.payload or text in task.last_error)
            and (where is None or where(task))
        )

    return matches
