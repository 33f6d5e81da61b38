"""The operation that deletes a task."""

from enum import IntEnum
from typing import Any

import msgspec

from pyasynq.broker.decoding import text
from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.scripts import load
from pyasynq.wire.keys import QueueKeys


class Verdict(IntEnum):
    """What became of a task that was to be deleted."""

    DELETED = 1
    ABSENT = 0
    ACTIVE = -1
    ELSEWHERE = -2  # not where its state says: its group is being aggregated, or it is damaged


class Deletion(msgspec.Struct, frozen=True):
    """What became of a task that was to be deleted, and the state of one that is left."""

    verdict: Verdict
    state: str


def delete_task(keys: QueueKeys, task_id: str) -> Operation[Deletion]:
    """Delete a task that is not active, and free its lock.

    asynq v0.26 inspect.go deleteTaskCmd: a task that is active, or not where its state says, is
    left as it is.
    """
    return Operation(
        load("delete_task"),
        (keys.task(task_id),),
        (keys.prefix, task_id),
        _deletion,
        Repeat.BY_TOKEN,
        _deletion_repeated,
    )


def _deletion(reply: Any) -> Deletion:
    verdict = Verdict(reply[0])
    # A repeated call cannot tell in which state the task was that it has deleted.
    return Deletion(verdict, "" if verdict is Verdict.DELETED else text(reply[1]))


def _deletion_repeated(reply: Any) -> Deletion:
    """Decode the reply to a repeated call: the first one has deleted what is absent now."""
    found = _deletion(reply)
    return Deletion(Verdict.DELETED, "") if found.verdict is Verdict.ABSENT else found
