"""Operations that only read. All are safe to repeat."""

from typing import Any

import msgspec

from pyasynq.broker.decoding import exact_due_ns, number, text
from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.scripts import load
from pyasynq.clock import NANOSECONDS
from pyasynq.wire.keys import QueueKeys, global_keys

MOST_GROUPS = 1000  # of which the members are counted, for about a millisecond
MEASURED_TASKS = 20  # of each state, and of each group
MEASURED_GROUPS = 5


class StoredTask(msgspec.Struct, frozen=True, kw_only=True):
    """The hash of a task.

    Attributes:
        data: its message, undecoded.
        state: the stored text.
        result: None if there is none.
        due_ns: when it is due, for scheduled and retried tasks.
        lease_s: when its lease is over, if it is active; None if it has none.
        pending_since_ns: when it became pending, if it is.
    """

    data: bytes
    state: str
    result: bytes | None
    due_ns: int | None
    lease_s: float | None
    pending_since_ns: int | None


class QueueStats(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one queue.

    Attributes:
        processed: today (UTC), failures included; `processed_total`: ever.
        failed: today (UTC); `failed_total`: ever.
        oldest_pending_ns: since when the oldest pending task has waited; None if not known.
        is_estimated: there are so many groups that `aggregating` is estimated from some.
        unreadable: keys of another type than they should have; what they hold is not counted.
        paused_since_s: the paused mark; None if there is none, or it is not a number.
        pause_details: what `pause_queue` stored beside it, undecoded; empty for nothing.
    """

    pending: int
    active: int
    scheduled: int
    retry: int
    archived: int
    completed: int
    aggregating: int
    groups: int
    processed: int
    failed: int
    processed_total: int
    failed_total: int
    is_paused: bool
    oldest_pending_ns: int | None
    is_estimated: bool
    unreadable: tuple[str, ...]
    paused_since_s: int | None
    pause_details: bytes

    @property
    def size(self) -> int:
        """How many tasks the queue holds, in any state."""
        waiting = self.pending + self.scheduled + self.retry + self.aggregating
        return waiting + self.active + self.archived + self.completed


def list_queues(namespace: str) -> Operation[list[str]]:
    """List the names of all queues, sorted."""
    return Operation(
        "SMEMBERS",
        (global_keys(namespace).queues,),
        (),
        lambda reply: sorted(text(each) for each in reply),
        Repeat.SAFE,
    )


def has_queue(queue: str, namespace: str) -> Operation[bool]:
    """Answer whether there is a queue of this name."""
    keys = global_keys(namespace)
    return Operation("SISMEMBER", (keys.queues,), (queue,), bool, Repeat.SAFE)


def get_task(keys: QueueKeys, task_id: str) -> Operation[StoredTask | None]:
    """Read a task; None if there is none."""
    return Operation(
        load("get_task"), (keys.task(task_id),), (keys.prefix, task_id), _stored, Repeat.SAFE
    )


def task_state(keys: QueueKeys, task_id: str) -> Operation[str]:
    """Read the state of a task, as text; empty if there is no such task."""
    return Operation("HGET", (keys.task(task_id),), ("state",), text, Repeat.SAFE)


def queue_stats(keys: QueueKeys, *, now_ns: int) -> Operation[QueueStats]:
    """Count the tasks of a queue."""
    now_s = now_ns // NANOSECONDS
    return Operation(
        load("queue_stats"),
        (
            keys.pending,
            keys.active,
            keys.scheduled,
            keys.retry,
            keys.archived,
            keys.completed,
            keys.processed_on(now_s),
            keys.failed_on(now_s),
            keys.processed,
            keys.failed,
            keys.paused,
            keys.groups,
            keys.aggregation_sets,
            keys.pause_details,
        ),
        (keys.task_prefix, keys.group_prefix, MOST_GROUPS),
        _stats,
        Repeat.SAFE,
    )


def queue_memory(keys: QueueKeys, stats: QueueStats) -> Operation[int | None]:
    """Estimate the bytes that the tasks of a queue take; None if Redis does not tell.

    asynq v0.26 inspect.go memoryUsageCmd: up to 20 tasks of each state stand for all of it, and up
    to 20 of each of five groups for those that are aggregating.

    Args:
        keys: of the queue.
        stats: its counts.
    """
    return Operation(
        load("queue_memory"),
        (
            *(keys.pending, keys.active, keys.scheduled, keys.retry, keys.archived),
            *(keys.completed, keys.groups),
        ),
        (
            *(keys.task_prefix, keys.group_prefix, MEASURED_TASKS, MEASURED_GROUPS),
            *(stats.pending, stats.active, stats.scheduled, stats.retry, stats.archived),
            *(stats.completed, stats.aggregating),
        ),
        number,
        Repeat.SAFE,
    )


def _stored(reply: Any) -> StoredTask | None:
    if not reply:
        return None
    data, state, result, score, exact, since = reply
    return StoredTask(
        data=data or b"",
        state=text(state),
        result=result,
        due_ns=exact_due_ns(score, exact) if score and state != b"active" else None,
        lease_s=float(score) if score and state == b"active" else None,
        pending_since_ns=number(since),
    )


def _stats(reply: Any) -> QueueStats:
    numbers = [number(each) for each in reply[:15]]
    (pending, active, scheduled, retry, archived, completed, *rest) = [
        each or 0 for each in numbers
    ]
    processed, failed, processed_total, failed_total, paused = rest[:5]
    return QueueStats(
        pending=pending,
        active=active,
        scheduled=scheduled,
        retry=retry,
        archived=archived,
        completed=completed,
        processed=processed,
        failed=failed,
        processed_total=processed_total,
        failed_total=failed_total,
        is_paused=bool(paused),
        oldest_pending_ns=numbers[11],
        groups=rest[6],
        aggregating=rest[7],
        is_estimated=numbers[14] == 1,
        unreadable=tuple(text(each) for each in reply[15]),
        paused_since_s=number(reply[16]),
        pause_details=reply[17],
    )
