"""Operations that read the tasks of one queue in one state, page by page or from end to end."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from pyasynq.broker.decoding import check_size, exact_due_ns, number, text
from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.scripts import load
from pyasynq.task import TaskState
from pyasynq.wire.keys import QueueKeys

MOST_BYTES = 1 << 22  # of tasks in one answer; the task that passes the limit still belongs to it

Kind = Literal["list", "zset"]
Content = Literal["all", "message", "none"]
"""What is read of each task: all of it, its message and nothing else, or only what its list has."""

FIELDS: Mapping[Content, int] = {"all": 7, "message": 3, "none": 2}  # of each task in an answer


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """The list or the sorted set that holds the tasks of one state, or of one group.

    Attributes:
        key: its name in Redis.
        kind: its type.
        state: the state of its tasks.
        group: the name of the group, empty for none.
    """

    key: str
    kind: Kind
    state: TaskState
    group: str = ""


class ListedTask(msgspec.Struct, frozen=True, kw_only=True):
    """An ID that was found in a container, and its task.

    Attributes:
        data: its message, undecoded; None if the task is gone, or it was not read.
        state: the stored text, or that of its list.
        result: None if there is none.
        score: of the ID; for an active task the end of its lease; None if there is none.
        due_ns: when it is due, for scheduled and retried tasks, if all of the task was read.
        pending_since_ns: when it became pending, if it is.
    """

    task_id: str
    data: bytes | None
    state: str
    result: bytes | None
    score: float | None
    due_ns: int | None
    pending_since_ns: int | None


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks of a container.

    Attributes:
        size: how many IDs the container holds.
        rank: of the first one of these.
        tasks: fewer than were asked for at the end, and if they are large.
    """

    size: int
    rank: int
    tasks: list[ListedTask]


def container(keys: QueueKeys, state: TaskState, group: str = "") -> Container:
    """Return where the tasks of a state are; those that are aggregating are in their *group*."""
    if state is TaskState.AGGREGATING:
        return Container(key=keys.group(group), kind="zset", state=state, group=group)
    is_list = state in (TaskState.PENDING, TaskState.ACTIVE)
    return Container(key=keys.of_state(state), kind="list" if is_list else "zset", state=state)


def list_tasks(
    keys: QueueKeys, where: Container, *, first: int, limit: int, is_from_tail: bool
) -> Operation[Listed]:
    """Read tasks by their rank.

    Args:
        keys: of the queue.
        where: what to read.
        first: rank of the first task, from 0.
        limit: how many at most.
        is_from_tail: rank 0 is the tail of a list, its oldest ID, or the highest score.
    """
    check_size(limit)
    end = "tail" if is_from_tail else "head"
    return Operation(
        load("list_tasks"),
        (where.key, keys.lease),
        (keys.task_prefix, where.kind, first, limit, end, MOST_BYTES),
        lambda reply: _listed(reply, first, "all", where.state),
        Repeat.SAFE,
    )


def walk_tasks(
    keys: QueueKeys,
    where: Container,
    *,
    rank: int,
    limit: int,
    last_score: str = "",
    passed: Sequence[str] = (),
    is_reversed: bool = False,
    content: Content = "all",
) -> Operation[Listed]:
    """Read the next tasks on a walk: a list from its head, a set from the lowest score.

    What is added to or taken from the container since the last call changes the ranks; the IDs that
    were passed tell where to go on. A task that stays is never left out, but may come twice.

    Args:
        keys: of the queue.
        where: what to read.
        rank: 0, or the rank after the last task.
        limit: how many tasks at most.
        last_score: of the last task, as text; for a set.
        passed: IDs that the walk has passed, the last one first.
        is_reversed: walk through a set from the highest score; a list from its head all the same.
        content: what to read of each task. Less than "all" takes Redis about half the time.
    """
    check_size(limit)
    return Operation(
        load("walk_tasks"),
        (where.key, keys.lease),
        (
            keys.task_prefix,
            "reversed" if is_reversed and where.kind == "zset" else where.kind,
            rank,
            limit,
            MOST_BYTES,
            last_score,
            content,
            *passed,
        ),
        lambda reply: _listed(reply[1], reply[0], content, where.state),
        Repeat.SAFE,
    )


def first_ids(where: Container, limit: int, *, is_from_tail: bool = False) -> Operation[list[str]]:
    """Read some IDs of a container: those at the head of a list, or with the lowest scores.

    With *is_from_tail* it reads those at the other end.
    """
    return Operation(
        "LRANGE" if where.kind == "list" else "ZRANGE",
        (where.key,),
        (-limit, -1) if is_from_tail else (0, limit - 1),
        lambda reply: [text(each) for each in reply],
        Repeat.SAFE,
    )


def _listed(reply: Any, rank: int, content: Content, state: TaskState) -> Listed:
    count = FIELDS[content]
    each = (reply[at : at + count] for at in range(2, 2 + count * reply[1], count))
    tasks = [_task(some) for some in each] if content == "all" else _lean_tasks(each, state)
    return Listed(size=reply[0], rank=rank, tasks=tasks)


def _lean_tasks(found: Iterable[Any], state: TaskState) -> list[ListedTask]:
    """Return tasks of which only the list was read, and perhaps the message."""
    word = state.value
    return [
        ListedTask(
            task_id=text(task_id),
            data=message[0] if message else None,
            state=word,
            result=None,
            score=None if score is None else float(score),
            due_ns=None,
            pending_since_ns=None,
        )
        for task_id, score, *message in found
    ]


def _task(fields: Any) -> ListedTask:
    task_id, score, data, state, result, exact, since = fields
    due_ns = exact_due_ns(score, exact) if state in (b"scheduled", b"retry") else None
    return ListedTask(
        task_id=text(task_id),
        data=data,
        state=text(state),
        result=result,
        score=None if score is None else float(score),
        due_ns=due_ns,
        pending_since_ns=number(since),
    )
