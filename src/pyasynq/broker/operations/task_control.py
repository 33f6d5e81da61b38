"""Operations that move, change or delete tasks out of turn, one by one or many of a state."""

from enum import IntEnum
from hashlib import sha1
from typing import Any

import msgspec

from pyasynq.broker.decoding import check_size, text
from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.operations.task_lists import Container
from pyasynq.broker.scripts import load
from pyasynq.clock import NANOSECONDS
from pyasynq.task import TaskState
from pyasynq.wire.keys import QueueKeys, global_keys


class Verdict(IntEnum):
    """What became of a task that was to be moved, changed or deleted."""

    DONE = 1
    ABSENT = 0
    WRONG_STATE = -1
    ELSEWHERE = -2  # not where its state says: its group is being aggregated, or it is damaged


class Answer(msgspec.Struct, frozen=True):
    """What became of a task, and the state in which it was found."""

    verdict: Verdict
    state: str


class Replaced(msgspec.Struct, frozen=True):
    """What became of a message that was to be replaced.

    Attributes:
        verdict: WRONG_STATE: another call has changed the task meanwhile.
        holder_id: the task that holds the new lock; empty if none does.
    """

    verdict: Verdict
    holder_id: str = ""


class Chunk(msgspec.Struct, frozen=True):
    """What one call did of the work on all tasks of a container.

    Attributes:
        taken: how many IDs it took out.
        changed: how many tasks it moved or deleted.
        left: how many IDs are left.
    """

    taken: int
    changed: int
    left: int


def delete_task(keys: QueueKeys, task_id: str, *, only_in: str = "") -> Operation[Answer]:
    """Delete a task that is not active, and free its lock.

    asynq v0.26 inspect.go deleteTaskCmd: a task that is active, or not where its state says, is
    left as it is; and so is one that is not in the state *only_in*, if that is given.
    """
    return Operation(
        load("delete_task"),
        (keys.task(task_id),),
        (keys.prefix, task_id, only_in),
        _answer,
        Repeat.BY_TOKEN,
        _deletion_repeated,
    )


def run_task(keys: QueueKeys, task_id: str, *, now_ns: int, only_in: str = "") -> Operation[Answer]:
    """Make a task pending, as the last one in line; not if it is pending or active.

    Nor if it is not in the state *only_in*, if that is given.
    """
    return _move(keys, task_id, TaskState.PENDING, now_ns, only_in)


def archive_task(
    keys: QueueKeys, task_id: str, *, now_ns: int, only_in: str = ""
) -> Operation[Answer]:
    """Archive a task; not if it is archived or active. Its lock stays, as Go leaves it.

    Nor if it is not in the state *only_in*, if that is given.
    """
    return _move(keys, task_id, TaskState.ARCHIVED, now_ns, only_in)


def reschedule_task(
    keys: QueueKeys, task_id: str, *, due_ns: int, now_ns: int, only_in: str = ""
) -> Operation[Answer]:
    """Change when a scheduled or retried task is due; a pending or archived one is scheduled.

    Its lock lasts for as much longer as the task is due later. A task that is not in the state
    *only_in*, if that is given, is left as it is.
    """
    return Operation(
        load("reschedule_task"),
        (keys.task(task_id), keys.scheduled, keys.retry),
        (
            keys.prefix,
            task_id,
            due_ns,
            due_ns // NANOSECONDS,
            global_keys(keys.namespace).due,
            keys.queue,
            now_ns // NANOSECONDS,
            only_in,
        ),
        _answer,
        Repeat.SAFE,
    )


def replace_message(
    keys: QueueKeys,
    task_id: str,
    *,
    read: bytes,
    written: bytes,
    state: str,
    lock: str = "",
    new_lock: str = "",
) -> Operation[Replaced]:
    """Replace the message of a task, if message and state are those that were read.

    Args:
        keys: of the queue.
        task_id: the task.
        read: its message as it was read.
        written: its new message.
        state: its state as it was read.
        lock: its unique lock; empty for none.
        new_lock: the lock that it is to have; if it holds the old one, it takes the new one, for
            the rest of its time.
    """
    digest = sha1(read, usedforsecurity=False).hexdigest()
    return Operation(
        load("replace_message"),
        (keys.task(task_id),),
        (task_id, digest, written, state, lock, new_lock),
        _replaced,
        Repeat.SAFE,
    )


def move_many(
    keys: QueueKeys, where: Container, target: TaskState, *, now_ns: int, limit: int
) -> Operation[Chunk]:
    """Make the first tasks of a container pending or archive them; a list begins with its oldest.

    Safe to repeat: a second call does the same to the next tasks.
    """
    check_size(limit)
    now_s = now_ns // NANOSECONDS
    return Operation(
        load("move_many"),
        (where.key, keys.of_state(target), keys.groups),
        (
            *(keys.task_prefix, where.kind, where.state.value, where.group, limit),
            *(target.value, now_s, now_ns),
        ),
        lambda reply: Chunk(*reply),
        Repeat.SAFE,
    )


def delete_many(keys: QueueKeys, where: Container, *, limit: int) -> Operation[Chunk]:
    """Delete the first tasks of a container, with their locks; see `move_many`."""
    check_size(limit)
    return Operation(
        load("delete_many"),
        (where.key, keys.groups),
        (keys.task_prefix, where.kind, where.state.value, where.group, limit),
        lambda reply: Chunk(*reply),
        Repeat.SAFE,
    )


def _move(
    keys: QueueKeys, task_id: str, target: TaskState, now_ns: int, only_in: str
) -> Operation[Answer]:
    # By the first call it may have become pending, and active since.
    reached = ("pending", "active") if target is TaskState.PENDING else ("archived",)

    def decode_repeated(reply: Any) -> Answer:
        found = _answer(reply)
        is_done = found.verdict is Verdict.WRONG_STATE and found.state in reached
        return Answer(Verdict.DONE, "") if is_done else found

    return Operation(
        load("move_task"),
        (keys.task(task_id), keys.of_state(target)),
        (keys.prefix, task_id, target.value, now_ns // NANOSECONDS, now_ns, only_in),
        _answer,
        Repeat.BY_TOKEN,
        decode_repeated,
    )


def _answer(reply: Any) -> Answer:
    verdict = Verdict(reply[0])
    # A repeated call cannot tell in which state the task was before the first one.
    return Answer(verdict, "" if verdict is Verdict.DONE else text(reply[1]))


def _deletion_repeated(reply: Any) -> Answer:
    """Decode the reply to a repeated call: the first one has deleted what is absent now."""
    found = _answer(reply)
    return Answer(Verdict.DONE, "") if found.verdict is Verdict.ABSENT else found


def _replaced(reply: Any) -> Replaced:
    verdict = Verdict(reply[0])
    return Replaced(verdict, text(reply[1]) if verdict is Verdict.ELSEWHERE else "")
