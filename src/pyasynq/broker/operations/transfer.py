"""Operations that read tasks with everything that is stored of them, and store such tasks."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from itertools import chain
from typing import Any, Literal

import msgspec

from pyasynq.broker.decoding import check_size, text, whole
from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.operations.task_lists import MOST_BYTES, Container
from pyasynq.broker.scripts import load
from pyasynq.clock import NANOSECONDS
from pyasynq.task import TaskState
from pyasynq.wire.keys import QueueKeys, global_keys

MOST_FIELDS = 1000  # of a hash that is read or stored

End = Literal["head", "tail"]


class StoredHash(msgspec.Struct, frozen=True, kw_only=True):
    """An ID that was found in a container, and the whole hash of its task.

    Attributes:
        score: of the ID; for an active task the end of its lease; None if there is none.
        fields: None if there is no task, or it cannot be read.
        fault: what is wrong then.
    """

    task_id: str
    score: float | None
    fields: Mapping[bytes, bytes] | None
    fault: str = ""


class Hashes(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks of a container; `rank` is that of the first one."""

    rank: int
    tasks: list[StoredHash]


class Imported(IntEnum):
    """What became of a task that was to be stored."""

    STORED = 1
    EXISTS = 0
    LOCKED = -1


class Answer(msgspec.Struct, frozen=True):
    """What became of a task, and the state of the other one, or the holder of its lock."""

    verdict: Imported
    detail: str = ""


class ToImport(msgspec.Struct, frozen=True, kw_only=True):
    """A task as it is to be stored.

    Attributes:
        state: where it is listed.
        group: the group that it waits in, or joins when it is due; empty for none.
        score: in the set of its state; for an active task the end of its lease, None for none.
        fields: all of its hash.
        lock: its unique lock, if it holds it; empty if not.
        lock_ms: how long the lock lasts; -1 for ever.
        end: of the list of its state: the head comes last in line.
    """

    keys: QueueKeys
    task_id: str
    state: TaskState
    group: str = ""
    score: float | None = None
    fields: Mapping[bytes, bytes]
    lock: str = ""
    lock_ms: int = -1
    end: End = "head"


def walk_hashes(
    keys: QueueKeys,
    where: Container,
    *,
    rank: int,
    limit: int,
    last_score: str = "",
    passed: Sequence[str] = (),
) -> Operation[Hashes]:
    """Read the next tasks on a walk: a list from its tail, a set from the lowest score.

    See `walk_tasks`, which reads less of each task.
    """
    check_size(limit)
    return Operation(
        load("walk_hashes"),
        (where.key, keys.lease),
        (keys.task_prefix, where.kind, rank, limit, MOST_BYTES, last_score, *passed),
        lambda reply: Hashes(rank=reply[0], tasks=[_stored(*each) for each in reply[1]]),
        Repeat.SAFE,
    )


def read_hash(keys: QueueKeys, task_id: str) -> Operation[Mapping[bytes, bytes]]:
    """Read the whole hash of a task; empty if there is none."""
    return Operation("HGETALL", (keys.task(task_id),), (), _mapping, Repeat.SAFE)


def read_score(key: str, task_id: str) -> Operation[float | None]:
    """Read the score of an ID in a sorted set; None if it is not there."""
    return Operation("ZSCORE", (key,), (task_id,), _score, Repeat.SAFE)


def read_holder(lock: str) -> Operation[str]:
    """Read which task holds a unique lock; empty if none does."""
    return Operation("GET", (lock,), (), text, Repeat.SAFE)


def read_time_left(lock: str) -> Operation[int]:
    """Read for how many milliseconds a lock lasts; -1 for ever, -2 if it is over."""
    return Operation("PTTL", (lock,), (), int, Repeat.SAFE)


def import_task(
    task: ToImport, *, needs_lock: bool = True, only_looks: bool = False
) -> Operation[Answer]:
    """Store a task, unless there is one with its ID.

    Args:
        task: what to store.
        needs_lock: whether it is refused if another task holds its unique lock; else it is stored
            without the lock.
        only_looks: answer what would happen, and change nothing.
    """
    keys, is_grouped = task.keys, task.state is TaskState.AGGREGATING
    key = keys.group(task.group) if is_grouped else keys.of_state(task.state)
    is_list = task.state in (TaskState.PENDING, TaskState.ACTIVE)
    fields = tuple(chain.from_iterable(task.fields.items()))
    return Operation(
        load("import_task"),
        (keys.task(task.task_id), key, keys.lease, keys.groups, keys.scheduled_groups),
        (
            *(task.task_id, task.state.value, task.end if is_list else ""),
            *("" if task.score is None else repr(task.score), task.lock, task.lock_ms),
            *("1" if needs_lock else "", task.group, global_keys(keys.namespace).due),
            f"{_due_ns(task)} {keys.queue}",
            "1" if only_looks else "",
            *fields,
        ),
        _answer,
        Repeat.BY_TOKEN,
        lambda reply: _repeated(reply, task),
    )


def _stored(task_id: bytes, score: Any, found: Any) -> StoredHash:
    fault = ""
    if isinstance(found, int):
        fault = {
            0: "it is listed, but there is no such task",
            -1: "the key of its task has another type",
        }.get(found, f"its task has {found} fields; at most {MOST_FIELDS} are read")
    fields = None if fault else _mapping(found)
    return StoredHash(task_id=text(task_id), score=_score(score), fields=fields, fault=fault)


def _mapping(reply: Any) -> Mapping[bytes, bytes]:
    if isinstance(reply, Mapping):
        return reply
    return dict(zip(reply[::2], reply[1::2], strict=True))


def _score(reply: Any) -> float | None:
    return None if reply is None else float(reply)


def _due_ns(task: ToImport) -> int:
    return whole(task.score) * NANOSECONDS


def _answer(reply: Any) -> Answer:
    verdict = Imported(reply[0])
    return Answer(verdict, text(reply[1]) if len(reply) > 1 else "")


def _repeated(reply: Any, task: ToImport) -> Answer:
    """Decode the reply to a repeated call: the first one may have stored this very task."""
    found = _answer(reply)
    is_ours = found.verdict is Imported.EXISTS and reply[2] == task.fields.get(b"msg", b"")
    is_locked = found.verdict is Imported.LOCKED and found.detail == task.task_id
    return Answer(Imported.STORED) if is_ours or is_locked else found
