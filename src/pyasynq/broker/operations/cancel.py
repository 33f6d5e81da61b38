"""Operations that cancel a running task, or read how it is to be cancelled."""

from pyasynq.broker.decoding import text
from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.scripts import load
from pyasynq.options import CancelThen
from pyasynq.wire.keys import QueueKeys, global_keys


def mark_cancel(keys: QueueKeys, task_id: str, then: CancelThen) -> Operation[bool]:
    """Note what becomes of a running task once it is cancelled; False if it is not running.

    It is a field of the task that Go does not know. It lives as long as the attempt: every
    script that takes the task out of the active ones removes it, and so does the next dequeue if
    a Go server has taken the task out.
    """
    return Operation(load("mark_cancel"), (keys.task(task_id),), (then,), bool, Repeat.SAFE)


def read_cancel_then(keys: QueueKeys, task_id: str) -> Operation[str]:
    """Read what `mark_cancel` has noted for a task; empty for nothing."""
    return Operation("HGET", (keys.task(task_id),), ("on_cancel",), text, Repeat.SAFE)


def publish_cancel(task_id: str, *, namespace: str) -> Operation[int]:
    """Ask every server to cancel the task if it runs it; answers how many servers listen."""
    channel = global_keys(namespace).cancel
    return Operation("PUBLISH", (channel,), (task_id,), int, Repeat.SAFE)
