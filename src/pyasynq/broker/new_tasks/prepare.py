"""From a task and its options to what is stored: pure rules, no I/O.

asynq v0.26 client.go Enqueue: a task that is due later is scheduled, even if it has a group;
otherwise a task with a group is aggregating, and any other one pending.
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import md5

import msgspec

from pyasynq.broker.new_tasks.payload_size import LARGEST_PAYLOAD_BYTES
from pyasynq.broker.new_tasks.resolved_options import resolve
from pyasynq.clock import NANOSECONDS, to_datetime, to_ns
from pyasynq.errors import ConfigError
from pyasynq.options import Duration, EnqueueOptions, to_seconds
from pyasynq.task import InfoDraft, Task, TaskInfo, TaskState
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import TaskMessage, encode

PENDING = TaskState.PENDING  # kept, since looking it up in the enum takes 0.2 µs


class PreparedTask(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task ready to be stored.

    Attributes:
        keys: of its queue.
        encoded: the bytes of *message*.
        process_at_ns: when it is due; None for now.
        unique_ttl_s: the time to live of its lock, 0 for no lock.
        group: the group that it is aggregated in; empty for no group.
        expires_at_ns: it must not start later than this; None for no such limit.
        unique_until: when its lock is freed; empty for when it is done.
    """

    keys: QueueKeys
    message: TaskMessage
    encoded: bytes
    process_at_ns: int | None = None
    unique_ttl_s: int = 0
    group: str = ""
    expires_at_ns: int | None = None
    unique_until: str = ""

    @property
    def state(self) -> TaskState:
        """The state it will be in."""
        if self.process_at_ns is not None:
            return TaskState.SCHEDULED
        return TaskState.AGGREGATING if self.group else PENDING


def prepare(
    task: Task,
    options: EnqueueOptions,
    keys: QueueKeys,
    *,
    now_ns: int,
    new_id: Callable[[], str],
) -> PreparedTask:
    """Apply *options*, already merged with those of the task.

    Args:
        keys: of the queue that the options name.
        now_ns: the time of Redis.
        new_id: makes an ID for a task that has none.

    Raises:
        ConfigError: the task is larger than Redis can hold, or it has a unique key without
            unique.
        PayloadError: the message cannot be encoded.
    """
    payload = task.payload or b""
    if len(payload) > LARGEST_PAYLOAD_BYTES:
        raise ConfigError(f"the payload has {len(payload)} bytes; at most 512 MiB fit redis")
    resolved = resolve(options)
    message = TaskMessage(
        type=task.type,
        payload=payload,
        headers=_headers(task, options) if task.headers or options.headers else {},
        id=options.task_id or new_id(),
        queue=keys.queue,
        retry=resolved.retry,
        timeout=resolved.timeout_s,
        deadline=resolved.deadline_s,
        unique_key="" if resolved.is_plain else _unique_key(task, options, keys),
        group_key=resolved.group,
        retention=resolved.retention_s,
    )
    encoded = encode(message)
    if len(encoded) > LARGEST_PAYLOAD_BYTES:
        raise ConfigError(f"the task has {len(encoded)} bytes; at most 512 MiB fit redis")
    if resolved.is_plain:
        return PreparedTask(keys=keys, message=message, encoded=encoded, group=resolved.group)
    process_at_ns = _process_at_ns(options, now_ns)
    unique_ttl_s = resolved.unique_s
    if unique_ttl_s and process_at_ns is not None:
        # asynq v0.26 client.go: the lock of a scheduled task counts from when it is due.
        unique_ttl_s += math.ceil((process_at_ns - now_ns) / NANOSECONDS)
    return PreparedTask(
        keys=keys,
        message=message,
        encoded=encoded,
        process_at_ns=process_at_ns,
        unique_ttl_s=unique_ttl_s,
        group=resolved.group,
        expires_at_ns=_expires_at_ns(options.expires, now_ns),
        unique_until=resolved.unique_until,
    )


def info_of(prepared: PreparedTask, *, now: datetime) -> TaskInfo:
    """Return what is known of a task that was just stored."""
    message, due_ns, state = prepared.message, prepared.process_at_ns, prepared.state
    due = now if state is PENDING else None
    info = InfoDraft()
    info.id = message.id
    info.queue = message.queue
    info.type = message.type
    info.payload = message.payload
    info.headers = message.headers
    info.state = state
    info.max_retry = message.retry
    info.retried = 0
    info.last_error = ""
    info.last_failed_at = None
    info.timeout = _span(message.timeout) if message.timeout else None
    info.deadline = to_datetime(message.deadline * NANOSECONDS) if message.deadline else None
    info.group = message.group_key
    info.next_process_at = due if due_ns is None else to_datetime(due_ns)
    info.is_orphaned = False
    info.retention = _span(message.retention)
    info.completed_at = None
    info.result = None
    info.__class__ = TaskInfo
    stored: TaskInfo = info
    return stored


@lru_cache(maxsize=64)
def _span(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


def _headers(task: Task, options: EnqueueOptions) -> dict[str, str]:
    return {**task.headers, **(options.headers or {})}


def _process_at_ns(options: EnqueueOptions, now_ns: int) -> int | None:
    """Return when the task is due, if that is later than now."""
    if options.process_at is not None:
        at_ns = to_ns(options.process_at)
    elif options.process_in is not None:
        at_ns = now_ns + int(to_seconds(options.process_in) * NANOSECONDS)
    else:
        return None
    return at_ns if at_ns > now_ns else None


def _expires_at_ns(expires: datetime | Duration | None, now_ns: int) -> int | None:
    if expires is None:
        return None
    if isinstance(expires, datetime):
        return to_ns(expires)
    return now_ns + int(to_seconds(expires) * NANOSECONDS)


def _unique_key(task: Task, options: EnqueueOptions, keys: QueueKeys) -> str:
    if options.unique is None:
        return ""
    if options.unique_key is None:
        return keys.unique(task.type, task.payload)
    digest = md5(options.unique_key.encode(), usedforsecurity=False).hexdigest()
    return f"{keys.unique_prefix}{task.type}:{digest}"
