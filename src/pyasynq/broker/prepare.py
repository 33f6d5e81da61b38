"""From a task and its options to what is stored: pure rules, no I/O.

asynq v0.26 client.go Enqueue: a moment after now makes the task scheduled, even with a group; else
a group makes it aggregating; else it is pending.
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import md5

import msgspec

from pyasynq.broker.payload_size import LARGEST_PAYLOAD_BYTES
from pyasynq.clock import NANOSECONDS, to_datetime, to_ns
from pyasynq.errors import ConfigError
from pyasynq.options import (
    DEFAULT_MAX_RETRY,
    DEFAULT_QUEUE,
    DEFAULT_TIMEOUT,
    Duration,
    EnqueueOptions,
    to_seconds,
)
from pyasynq.task import Task, TaskInfo, TaskState, fill, frozen, new_draft
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import TaskMessage, encode

_PENDING = TaskState.PENDING  # the class itself takes 0.2 µs to find it
DEFAULT_TIMEOUT_S = int(DEFAULT_TIMEOUT.total_seconds())


class Prepared(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task ready to be stored.

    Attributes:
        encoded: the bytes of *message*.
        process_at_ns: when it is due; None for now.
        unique_ttl_s: for how long its lock lives, 0 for no lock.
        group: where it is aggregated; empty for no group.
        expires_at_ns: it must not start later than this; None for no such limit.
        unique_until: when its lock is freed, empty for when it is done.
    """

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
        return TaskState.AGGREGATING if self.group else _PENDING


def queue_of(options: EnqueueOptions) -> str:
    """Return the queue that *options* mean."""
    return options.queue or DEFAULT_QUEUE


def prepare(
    task: Task,
    options: EnqueueOptions,
    keys: QueueKeys,
    *,
    now_ns: int,
    new_id: Callable[[], str],
) -> Prepared:
    """Apply *options*, already merged with those of the task.

    Args:
        keys: of the queue that the options mean.
        now_ns: the time of Redis.
        new_id: makes an ID for a task that has none.

    Raises:
        ConfigError: the task is larger than Redis can hold; a unique key without unique.
        PayloadError: the message cannot be encoded.
    """
    if task.payload is not None and len(task.payload) > LARGEST_PAYLOAD_BYTES:
        raise ConfigError(f"the payload has {len(task.payload)} bytes; at most 512 MiB fit redis")
    if options.unique is None and (options.unique_key or options.unique_until):
        raise ConfigError("unique_key and unique_until need unique, the time to live of the lock")
    process_at_ns = _process_at_ns(options, now_ns)
    message = TaskMessage(
        type=task.type,
        payload=task.payload or b"",
        headers=_headers(task, options),
        id=options.task_id or new_id(),
        queue=keys.queue,
        retry=DEFAULT_MAX_RETRY if options.max_retry is None else options.max_retry,
        timeout=_timeout_s(options),
        deadline=_deadline_s(options.deadline),
        unique_key=_unique_key(task, options, keys),
        group_key=options.group or "",
        retention=_whole_seconds(options.retention),
    )
    unique_ttl_s = _whole_seconds(options.unique)
    if unique_ttl_s and process_at_ns is not None:
        # asynq v0.26 client.go: the lock of a scheduled task counts from when it is due.
        unique_ttl_s += math.ceil((process_at_ns - now_ns) / NANOSECONDS)
    encoded = encode(message)
    if len(encoded) > LARGEST_PAYLOAD_BYTES:
        raise ConfigError(f"the task has {len(encoded)} bytes; at most 512 MiB fit redis")
    return Prepared(
        message=message,
        encoded=encoded,
        process_at_ns=process_at_ns,
        unique_ttl_s=unique_ttl_s,
        group=message.group_key,
        expires_at_ns=_expires_at_ns(options.expires, now_ns),
        unique_until="" if options.unique_until == "done" else options.unique_until or "",
    )


def info_of(prepared: Prepared, *, now: datetime) -> TaskInfo:
    """Return what is known of a task that was just stored."""
    message, due_ns = prepared.message, prepared.process_at_ns
    state = prepared.state
    due = now if state is _PENDING else None
    draft = new_draft()
    fill(
        draft,
        id=message.id,
        queue=message.queue,
        type=message.type,
        payload=message.payload,
        headers=message.headers,
        state=state,
        max_retry=message.retry,
        timeout=_span(message.timeout) if message.timeout else None,
        deadline=to_datetime(message.deadline * NANOSECONDS) if message.deadline else None,
        group=message.group_key,
        next_process_at=due if due_ns is None else to_datetime(due_ns),
        retention=_span(message.retention),
    )
    return frozen(draft)


@lru_cache(maxsize=64)
def _span(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


def _headers(task: Task, options: EnqueueOptions) -> dict[str, str]:
    headers = dict(task.headers) if task.headers else {}
    if options.headers:
        headers.update(options.headers)
    return headers


def _process_at_ns(options: EnqueueOptions, now_ns: int) -> int | None:
    """Return the moment, if it is after now."""
    if options.process_at is not None:
        at_ns = to_ns(options.process_at)
    elif options.process_in is not None:
        at_ns = now_ns + int(to_seconds(options.process_in) * NANOSECONDS)
    else:
        return None
    return at_ns if at_ns > now_ns else None


def _timeout_s(options: EnqueueOptions) -> int:
    """Return the timeout; without any limit the default applies, as in Go."""
    timeout_s = _whole_seconds(options.timeout)
    return timeout_s or (DEFAULT_TIMEOUT_S if options.deadline is None else 0)


def _deadline_s(deadline: datetime | None) -> int:
    return 0 if deadline is None else to_ns(deadline) // NANOSECONDS


def _whole_seconds(duration: Duration | None) -> int:
    """Round up: Go cuts half a second to none, which means no limit."""
    return 0 if duration is None else math.ceil(to_seconds(duration))


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
