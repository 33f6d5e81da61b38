"""Changes to the message of a stored task. Pure; what this version does not know stays as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Self

from google.protobuf.message import DecodeError

from pyasynq.broker.new_tasks.payload_size import LARGEST_PAYLOAD_BYTES
from pyasynq.broker.new_tasks.resolved_options import DEFAULT_TIMEOUT_S
from pyasynq.clock import NANOSECONDS, to_ns
from pyasynq.errors import ConfigError, PayloadError
from pyasynq.options import (
    Duration,
    EnqueueOptions,
    headers_fault,
    name_fault,
    to_seconds,
)
from pyasynq.wire import asynq_pb2
from pyasynq.wire.keys import QueueKeys

EDITABLE = ("pending", "scheduled", "retry", "archived", "aggregating")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What to replace; None for what stays.

    Attributes:
        type, headers, max_retry: the new ones.
        payload: the new one, if *changes_payload*; None for none.
        timeout, retention: whole seconds.
        deadline: Unix seconds.
    """

    type: str | None = None
    payload: bytes | None = None
    changes_payload: bool = False
    headers: Mapping[str, str] | None = None
    max_retry: int | None = None
    timeout: int | None = None
    deadline: int | None = None
    retention: int | None = None

    def __post_init__(self) -> None:
        if self.payload is not None and not isinstance(self.payload, bytes):
            kind = type(self.payload).__name__
            raise ConfigError(f"payload must be bytes or None, not {kind}; encode it")

    @classmethod
    def checked(
        cls,
        *,
        type: str | None,  # noqa: A002 - what it is called everywhere
        payload: bytes | None,
        headers: Mapping[str, str] | None,
        max_retry: int | None,
        timeout: Duration | None,
        deadline: datetime | None,
        retention: Duration | None,
    ) -> Self:
        """Return an edit of what is given.

        Raises:
            ConfigError: one of it is wrong, or nothing is given.
        """
        given = (type, payload, headers, max_retry, timeout, deadline, retention)
        nothing = "replace needs something to replace, such as payload=…"
        ConfigError.raise_if(
            [
                nothing if all(each is None for each in given) else None,
                None if type is None else name_fault("task type", type),
                None if headers is None else headers_fault(headers),
            ]
        )
        EnqueueOptions(
            max_retry=max_retry, timeout=timeout, deadline=deadline, retention=retention
        )  # which checks them
        return cls(
            type=type,
            payload=payload,
            changes_payload=payload is not None,
            headers=headers,
            max_retry=max_retry,
            timeout=None if timeout is None else _whole_seconds(timeout),
            deadline=None if deadline is None else to_ns(deadline) // NANOSECONDS,
            retention=None if retention is None else _whole_seconds(retention),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A changed message.

    Attributes:
        data: its bytes.
        type: its type.
        lock: the unique lock that it had; empty for none.
        new_lock: the one that it has now.
    """

    data: bytes
    type: str
    lock: str
    new_lock: str


def edited(data: bytes, edit: Edit, keys: QueueKeys) -> Change:
    """Return a message as *edit* changes it.

    Raises:
        PayloadError: the bytes are not a message, or a new value cannot be stored.
        ConfigError: the message is too large for Redis.
    """
    if not data:
        raise PayloadError("the message is empty, so there is no task to change")
    try:
        message = asynq_pb2.TaskMessage.FromString(data)
    except (DecodeError, ValueError) as error:
        raise PayloadError(f"the bytes are not a task message: {error}") from error
    lock = message.unique_key
    # An empty payload and none look the same once they are stored, but have different locks.
    forms = (message.payload,) if message.payload else (b"", None)
    locked = [each for each in forms if lock and lock == keys.unique(message.type, each)]
    try:
        _apply(message, edit)
    except (TypeError, ValueError) as error:
        raise PayloadError(f"the task cannot be stored: {error}") from error
    if locked:
        payload = edit.payload if edit.changes_payload else locked[0]
        message.unique_key = keys.unique(message.type, payload)
    written = message.SerializeToString(deterministic=True)
    if len(written) > LARGEST_PAYLOAD_BYTES:
        raise ConfigError(f"the task has {len(written)} bytes; at most 512 MiB fit redis")
    return Change(
        data=written,
        type=message.type,
        lock=lock,
        new_lock=message.unique_key,
    )


def _apply(message: asynq_pb2.TaskMessage, edit: Edit) -> None:
    if edit.type is not None:
        message.type = edit.type
    if edit.changes_payload:
        message.payload = edit.payload or b""
    if edit.headers is not None:
        message.headers.clear()
        message.headers.update(edit.headers)
    for field, value in {
        "retry": edit.max_retry,
        "timeout": edit.timeout,
        "deadline": edit.deadline,
        "retention": edit.retention,
    }.items():
        if value is not None:
            setattr(message, field, value)
    if edit.timeout == 0 and not message.deadline:
        message.timeout = DEFAULT_TIMEOUT_S  # as at the enqueue: something must end an attempt


def _whole_seconds(duration: Duration) -> int:
    return ceil(to_seconds(duration))  # as at the enqueue: rounded down, it could become no limit
