"""Operations that heal what is damaged in a queue, one item at a time. All are safe to repeat.

Each checks again that the damage is there: what has changed since it was found is left as it is.
What a worker heals by itself is among those that maintain a queue.
"""

from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.operations.task_lists import Container
from pyasynq.broker.scripts import load
from pyasynq.clock import NANOSECONDS
from pyasynq.wire.keys import QueueKeys

MOST_IDS = 10_000  # of a list, that are looked through for one task


def drop_listed(keys: QueueKeys, where: Container, task_id: str) -> Operation[bool]:
    """Take an ID out of a state if there is no such task; not of the active ones."""
    return Operation(
        load("drop_listed"),
        (where.key,),
        (keys.task(task_id), task_id, where.kind),
        bool,
        Repeat.SAFE,
    )


def archive_unlisted(keys: QueueKeys, task_id: str, *, now_ns: int) -> Operation[bool]:
    """Archive a task that its queue does not list; one without a message is deleted.

    Nothing is done if the queue has so many pending or active tasks that this is not known.
    """
    return Operation(
        load("archive_unlisted"),
        (keys.archived,),
        (keys.prefix, task_id, now_ns // NANOSECONDS, MOST_IDS),
        bool,
        Repeat.SAFE,
    )


def free_lock(keys: QueueKeys, lock: str, holder: str) -> Operation[bool]:
    """Free a unique lock if *holder* has it and is no longer a task."""
    return Operation(load("free_lock"), (lock,), (keys.task(holder), holder), bool, Repeat.SAFE)
