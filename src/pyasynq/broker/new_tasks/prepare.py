"""From a task and its options to what is stored: pure rules, no I/O.

asynq v0.26 client.go Enqueue: a task that is due later is scheduled, even if it has a group;
otherwise a task with a group is aggregating, and any other one pending.
"""

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import md5

import msgspec

from pyasynq.broker.new_tasks.payload_size import LARGEST_PAYLOAD_BYTES
from pyasynq.broker.new_tasks.resolved_options import ResolvedOptions, resolve
from pyasynq.clock import NANOSECONDS, to_datetime, to_ns
from pyasynq.errors import ConfigError
from pyasynq.options import Duration, EnqueueOptions, to_seconds
from pyasynq.task import NO_HEADERS, InfoDraft, Task, TaskInfo, TaskState
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import TaskMessage, decode, encode, encode_new, encoded_limits

PENDING = TaskState.PENDING  # kept, since looking it up in the enum takes 0.2 µs


class PreparedTask(msgspec.Struct, frozen=True, gc=False):
    """A task ready to be stored.

    Attributes:
        keys: of its queue.
        id: unique in the queue.
        type: selects the handler.
        payload: empty if there is none.
        resolved: its options.
        encoded: the bytes of its message.
        group: the group that it is aggregated in; empty for no group.
        headers: text to text.
        unique_key: the whole key of its lock; empty for no lock.
        process_at_ns: when it is due; None for now.
        unique_ttl_s: the time to live of its lock, 0 for no lock.
        expires_at_ns: it must not start later than this; None for no such limit.
        unique_until: when its lock is freed; empty for when it is done.
    """

    keys: QueueKeys
    id: str
    type: str
    payload: bytes
    resolved: ResolvedOptions
    encoded: bytes
    group: str = ""
    headers: Mapping[str, str] = NO_HEADERS
    unique_key: str = ""
    process_at_ns: int | None = None
    unique_ttl_s: int = 0
    expires_at_ns: int | None = None
    unique_until: str = ""

    @property
    def message(self) -> TaskMessage:
        """What *encoded* says."""
        return decode(self.encoded)

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
    headers = _headers(task, options) if task.headers or options.headers else NO_HEADERS
    unique_key = "" if resolved.is_plain else _unique_key(task, options, keys)
    task_id = options.task_id or new_id()
    if payload and not (headers or unique_key or resolved.deadline_s):
        encoded = encode_new(task.type, payload, task_id, limits_of(resolved, keys))
    else:
        message = TaskMessage(
            type=task.type,
            payload=payload,
            headers=headers,
            id=task_id,
            queue=keys.queue,
            retry=resolved.retry,
            timeout=resolved.timeout_s,
            deadline=resolved.deadline_s,
            unique_key=unique_key,
            group_key=resolved.group,
            retention=resolved.retention_s,
        )
        encoded = encode(message)
    if len(encoded) > LARGEST_PAYLOAD_BYTES:
        raise ConfigError(f"the task has {len(encoded)} bytes; at most 512 MiB fit redis")
    if resolved.is_plain:
        return PreparedTask(
            keys, task_id, task.type, payload, resolved, encoded, resolved.group, headers
        )
    process_at_ns = _process_at_ns(options, now_ns)
    unique_ttl_s = resolved.unique_s
    if unique_ttl_s and process_at_ns is not None:
        # asynq v0.26 client.go: the lock of a scheduled task counts from when it is due.
        unique_ttl_s += math.ceil((process_at_ns - now_ns) / NANOSECONDS)
    return PreparedTask(
        keys=keys,
        id=task_id,
        type=task.type,
        payload=payload,
        resolved=resolved,
        encoded=encoded,
        headers=headers,
        unique_key=unique_key,
        process_at_ns=process_at_ns,
        unique_ttl_s=unique_ttl_s,
        group=resolved.group,
        expires_at_ns=_expires_at_ns(options.expires, now_ns),
        unique_until=resolved.unique_until,
    )


def info_of(prepared: PreparedTask, *, now: datetime) -> TaskInfo:
    """Return what is known of a task that was just stored."""
    resolved, due_ns, state = prepared.resolved, prepared.process_at_ns, prepared.state
    due = now if state is PENDING else None
    info = InfoDraft()
    info.id = prepared.id
    info.queue = prepared.keys.queue
    info.type = prepared.type
    info.payload = prepared.payload
    info.headers = prepared.headers
    info.state = state
    info.max_retry = resolved.retry
    info.retried = 0
    info.last_error = ""
    info.last_failed_at = None
    info.timeout = _span(resolved.timeout_s) if resolved.timeout_s else None
    info.deadline = to_datetime(resolved.deadline_s * NANOSECONDS) if resolved.deadline_s else None
    info.group = resolved.group
    info.next_process_at = due if due_ns is None else to_datetime(due_ns)
    info.is_orphaned = False
    info.retention = _span(resolved.retention_s)
    info.completed_at = None
    info.result = None
    info.__class__ = TaskInfo
    stored: TaskInfo = info
    return stored


def limits_of(resolved: ResolvedOptions, keys: QueueKeys) -> bytes:
    """Return what `encode_new` needs of the options."""
    return encoded_limits(
        keys.queue, resolved.retry, resolved.timeout_s, resolved.retention_s, resolved.group
    )


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
