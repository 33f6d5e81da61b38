"""Operations about the progress of a task, in a field of its hash that Go does not know."""

from typing import Any

from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.operations.finish import Fence
from pyasynq.broker.scripts import load
from pyasynq.wire.keys import QueueKeys


def write_progress(keys: QueueKeys, task_id: str, fence: Fence, data: bytes) -> Operation[bool]:
    """Store the progress of a running task; False if it is no longer the caller's. Safe to repeat.

    It stays when the attempt has ended, until another one is stored or the task is deleted.
    """
    return Operation(
        load("write_progress"),
        (keys.task(task_id),),
        (task_id, fence.argument, data),
        bool,
        Repeat.SAFE,
    )


def read_progress(keys: QueueKeys, task_id: str) -> Operation[tuple[bool, bytes | None]]:
    """Read whether there is such a task, and its progress; None for no progress."""
    return Operation("HMGET", (keys.task(task_id),), ("state", "progress"), _found, Repeat.SAFE)


def _found(reply: Any) -> tuple[bool, bytes | None]:
    state, data = reply
    return state is not None, data
