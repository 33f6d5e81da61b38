"""Operations on the history of tasks: their last attempts, as workers keep them if asked to."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pyasynq.broker.operation import Argument, Operation, Repeat, ignore
from pyasynq.broker.scripts import load
from pyasynq.wire.attempts import AttemptRecord, decode
from pyasynq.wire.keys import QueueKeys

MOST_ATTEMPTS = 100  # per call


class StoredAttempt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An attempt to store.

    Attributes:
        task_id: the task.
        at_us: names the attempt in the history of its task: its start in microseconds, or when it
            was recovered.
        ends_at_s: when the history of the task ends, unless another attempt is stored.
        data: the attempt, encoded.
        replaces: whether the start of the attempt may be stored already.
    """

    task_id: str
    at_us: int
    ends_at_s: int
    data: bytes
    replaces: bool = False


def record_attempts(
    keys: QueueKeys,
    attempts: Sequence[StoredAttempt],
    *,
    kept: int,
    most_histories: int,
    now_s: int,
) -> Operation[None]:
    """Store attempts of tasks of one queue; one that is stored already is replaced.

    Args:
        keys: of the queue.
        attempts: from 1 to 100.
        kept: how many attempts of a task are kept.
        most_histories: of how many tasks the queue keeps attempts; those that end first are
            forgotten first.
        now_s: the time of Redis.
    """
    arguments: list[Argument] = [now_s, kept, most_histories, f"{keys.attempts}:"]
    for each in attempts:
        arguments += (each.task_id, each.ends_at_s, each.at_us, int(each.replaces), each.data)
    return Operation(
        load("record_attempts"),
        (keys.attempts, *(keys.attempts_of(each.task_id) for each in attempts)),
        tuple(arguments),
        ignore,
        Repeat.SAFE,
    )


def read_attempts(keys: QueueKeys, task_id: str) -> Operation[list[AttemptRecord]]:
    """Read the attempts of a task that are kept, the first one first."""
    return Operation("ZRANGE", (keys.attempts_of(task_id),), (0, -1), _records, Repeat.SAFE)


def forget_attempts(keys: QueueKeys, *, limit: int) -> Operation[int]:
    """Delete the histories of some tasks of a queue; answers of how many there still are."""
    arguments = (f"{keys.attempts}:", limit)
    return Operation(load("delete_indexed"), (keys.attempts,), arguments, int, Repeat.SAFE)


def _records(reply: Sequence[Any]) -> list[AttemptRecord]:
    return [record for each in reply if (record := decode(each)) is not None]
