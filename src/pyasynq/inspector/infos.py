"""What an inspector returns: values for people, made of what is stored in Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyasynq.broker.operations.inspection import QueueStats, StoredTask
from pyasynq.broker.operations.task_lists import ListedTask
from pyasynq.clock import NANOSECONDS, to_datetime, to_span
from pyasynq.errors import PayloadError
from pyasynq.inspector import pauses
from pyasynq.shown import shown
from pyasynq.task import TaskInfo, TaskState
from pyasynq.wire.message import TaskMessage, decode


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueInfo:
    """A queue at one moment.

    Attributes:
        queue: its name.
        memory_usage: bytes in Redis, estimated from some tasks of each state; None if it was not
            asked for, or Redis does not report it.
        latency: for how long the oldest pending task has waited; zero if none waits.
        size: how many tasks it holds, in any state.
        groups: how many groups have tasks.
        pending: how many tasks wait for a worker.
        active: how many run.
        scheduled: how many wait for their time.
        retry: how many have failed and wait for their next attempt.
        archived: how many have failed for good.
        completed: how many are done and kept.
        aggregating: how many wait in groups.
        processed: how many attempts have ended today (UTC), with those that failed.
        failed: how many attempts have failed today (UTC).
        processed_total: how many attempts have ended ever.
        failed_total: how many attempts have failed ever.
        is_paused: whether workers take no tasks from it.
        timestamp: that moment.
        is_estimated: there are so many groups that `aggregating`, and with it `size`, is
            estimated from some of them.
        error: why some or all of the counts are not known, and 0 here; empty if all are.
        paused_since: when it was paused, in whole seconds; None if it is not paused.
        paused_by: who paused it; empty if that was not said.
        pause_reason: why; empty if that was not said.
        paused_until: when the pause ends by itself; None for never.
    """

    queue: str
    memory_usage: int | None
    latency: timedelta
    size: int
    groups: int
    pending: int
    active: int
    scheduled: int
    retry: int
    archived: int
    completed: int
    aggregating: int
    processed: int
    failed: int
    processed_total: int
    failed_total: int
    is_paused: bool
    timestamp: datetime
    is_estimated: bool = False
    error: str = ""
    paused_since: datetime | None = None
    paused_by: str = ""
    pause_reason: str = ""
    paused_until: datetime | None = None


def queue_info(
    queue: str, stats: QueueStats, now_ns: int, *, memory_usage: int | None = None
) -> QueueInfo:
    """Return *stats*, read at *now_ns*, as a QueueInfo."""
    since_ns = stats.oldest_pending_ns
    waited_ns = 0 if since_ns is None else max(0, now_ns - since_ns)
    pause = pauses.decode(stats.pause_details, stats.paused_since_s)
    return QueueInfo(
        queue=queue,
        memory_usage=memory_usage,
        latency=timedelta(microseconds=waited_ns // 1000),
        size=stats.size,
        groups=stats.groups,
        pending=stats.pending,
        active=stats.active,
        scheduled=stats.scheduled,
        retry=stats.retry,
        archived=stats.archived,
        completed=stats.completed,
        aggregating=stats.aggregating,
        processed=stats.processed,
        failed=stats.failed,
        processed_total=stats.processed_total,
        failed_total=stats.failed_total,
        is_paused=stats.is_paused,
        timestamp=to_datetime(now_ns),
        is_estimated=stats.is_estimated,
        error=key_error(stats.unreadable),
        paused_since=_moment(stats.paused_since_s or 0) if stats.is_paused else None,
        paused_by=pause.by,
        pause_reason=pause.reason,
        paused_until=None if pause.until_ns is None else to_datetime(pause.until_ns),
    )


def queue_info_without_counts(queue: str, error: str, now_ns: int) -> QueueInfo:
    """Return the info of a queue of which nothing is known but *error*."""
    return QueueInfo(
        queue=queue,
        memory_usage=None,
        latency=timedelta(0),
        size=0,
        groups=0,
        pending=0,
        active=0,
        scheduled=0,
        retry=0,
        archived=0,
        completed=0,
        aggregating=0,
        processed=0,
        failed=0,
        processed_total=0,
        failed_total=0,
        is_paused=False,
        timestamp=to_datetime(now_ns),
        error=error,
    )


def key_error(keys: Sequence[str]) -> str:
    """Return what is wrong with *keys*, which have another type than they should; empty if none."""
    if not keys:
        return ""
    names = ", ".join(shown(key) for key in keys)
    return f"not counted, since it has a wrong type: {names}; delete or rename it"


def task_info(queue: str, task_id: str, stored: StoredTask, now_ns: int) -> TaskInfo:
    """Return the info of a stored task.

    Its queue and its ID are those that were asked for, even if its message has others.

    Raises:
        PayloadError: its message or its state cannot be read, or its message is empty.
    """
    if not stored.data:  # asynq v0.26 inspect.go makes such tasks of IDs whose hash is gone
        raise PayloadError(f"task {task_id!r} cannot be read: its message is empty")
    message = decode(stored.data)
    try:
        state = TaskState(stored.state)
    except ValueError:
        raise PayloadError(f"task {task_id!r} has the unknown state {stored.state!r}") from None
    due_ns = now_ns if state is TaskState.PENDING else stored.due_ns
    return _info(
        queue,
        task_id,
        message,
        state,
        due_ns=due_ns,
        result=stored.result,
        is_orphaned=state is TaskState.ACTIVE and is_over(stored.lease_s, now_ns),
    )


def listed_info(queue: str, listed: ListedTask, state: TaskState, now_ns: int) -> TaskInfo:
    """Return the info of a task that was found among those in *state*.

    Raises:
        PayloadError: the task is gone, or its message cannot be read.
    """
    if listed.data is None:
        raise PayloadError("it is listed, but there is no such task")
    if not listed.data:
        raise PayloadError("its message is empty")
    due_ns = now_ns if state is TaskState.PENDING else listed.due_ns
    return _info(
        queue,
        listed.task_id,
        decode(listed.data),
        state,
        due_ns=due_ns,
        result=listed.result,
        is_orphaned=state is TaskState.ACTIVE and is_over(listed.score, now_ns),
    )


def _info(
    queue: str,
    task_id: str,
    message: TaskMessage,
    state: TaskState,
    *,
    due_ns: int | None,
    result: bytes | None,
    is_orphaned: bool = False,
) -> TaskInfo:
    return TaskInfo(
        id=task_id,
        queue=queue,
        type=message.type,
        payload=message.payload,
        headers=message.headers,
        state=state,
        max_retry=message.retry,
        retried=message.retried,
        last_error=message.error_msg,
        last_failed_at=_moment(message.last_failed_at),
        timeout=to_span(message.timeout) if message.timeout else None,
        deadline=_moment(message.deadline),
        group=message.group_key,
        next_process_at=None if due_ns is None else to_datetime(due_ns),
        retention=to_span(message.retention),
        completed_at=_moment(message.completed_at),
        result=result or None,
        is_orphaned=is_orphaned,
    )


def is_over(lease_s: float | None, now_ns: int) -> bool:
    """Return whether a lease is over, in whole seconds, as Go's inspector counts."""
    return lease_s is None or lease_s <= now_ns // NANOSECONDS


def _moment(seconds: int) -> datetime | None:
    return to_datetime(seconds * NANOSECONDS) if seconds else None
