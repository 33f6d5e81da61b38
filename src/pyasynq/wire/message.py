"""The message of a task: the protobuf bytes in field ``msg`` of its hash.

The bytes are the same as Go Asynq's: fields in the order of their numbers, zero values left out,
headers sorted by name.
"""

from collections.abc import Mapping
from functools import lru_cache

import msgspec
from google.protobuf.message import DecodeError

from pyasynq.errors import PayloadError
from pyasynq.task import NO_HEADERS
from pyasynq.wire import asynq_pb2

CONTINUED = 0x80  # the bit of a byte that is set if the number goes on in the next byte
TWO_BYTES = CONTINUED * CONTINUED  # numbers from here on take more than two bytes
TYPE_TAG, PAYLOAD_TAG, ID_TAG = 0x0A, 0x12, 0x1A  # number and kind of a field, before its size
MOST_PARTS = 512

_Limits = tuple[str, int, int, int, str]  # queue, retry, timeout, retention, group

_types: dict[bytes, str] = {}  # by their field, which comes first
_limits: dict[bytes, _Limits] = {}  # by all that comes after the ID


class TaskMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task as it is stored.

    Attributes:
        type: selects the handler.
        payload: empty if there is none.
        headers: text to text.
        id: unique in the queue.
        queue: name of the queue; for people only: keys are never built from it.
        retry: how often the task may be retried.
        retried: how often it was.
        error_msg: text of the last failure.
        last_failed_at: Unix seconds, 0 for never.
        timeout: seconds, 0 for none.
        deadline: Unix seconds, 0 for none.
        unique_key: the whole key of the unique lock, empty for none.
        group_key: name of the group, empty for none.
        retention: seconds, 0 to delete the task when it is done.
        completed_at: Unix seconds, 0 for not yet.
    """

    type: str = ""
    payload: bytes = b""
    headers: Mapping[str, str] = NO_HEADERS
    id: str = ""
    queue: str = ""
    retry: int = 0
    retried: int = 0
    error_msg: str = ""
    last_failed_at: int = 0
    timeout: int = 0
    deadline: int = 0
    unique_key: str = ""
    group_key: str = ""
    retention: int = 0
    completed_at: int = 0


def encode(message: TaskMessage) -> bytes:
    """Return the bytes of *message*.

    Raises:
        PayloadError: a text is not valid Unicode, or a number does not fit its field.
    """
    try:
        return _encode_any(message) if _is_rare(message) else _encode_new(message)
    except (TypeError, ValueError) as error:
        raise PayloadError(f"the task cannot be stored: {error}") from error


def encode_new(task_type: str, payload: bytes, task_id: str, limits: bytes) -> bytes:
    """Return the bytes of the message of a new task that has no more than this.

    In protobuf the bytes of two messages with different fields, one after the other, are the bytes
    of one message with all the fields. So the bytes of the other fields are cached: 0.6 µs, where
    `encode` takes 0.9, or 2.3 for other messages.

    Args:
        task_type: selects the handler.
        payload: not empty.
        task_id: not empty.
        limits: what `encoded_limits` returned.

    Raises:
        PayloadError: a text is not valid Unicode.
    """
    try:
        id_bytes = task_id.encode()
        return b"".join(
            (
                _encoded_type(task_type),
                _before_payload(len(payload)),
                payload,
                _before_id(len(id_bytes)),
                id_bytes,
                limits,
            )
        )
    except (TypeError, ValueError) as error:
        raise PayloadError(f"the task cannot be stored: {error}") from error


@lru_cache(maxsize=512)
def encoded_limits(queue: str, retry: int, timeout: int, retention: int, group_key: str) -> bytes:
    """Return the bytes of the fields that come after the ID."""
    return asynq_pb2.TaskMessage(
        queue=queue, retry=retry, timeout=timeout, retention=retention, group_key=group_key
    ).SerializeToString()


def encoded_headers(headers: Mapping[str, str]) -> bytes:
    """Return the bytes of the field that comes last, after those of `encoded_limits`.

    Raises:
        PayloadError: a text is not valid Unicode.
    """
    try:
        wire = asynq_pb2.TaskMessage(headers=headers)
        return wire.SerializeToString(deterministic=True)
    except (TypeError, ValueError) as error:
        raise PayloadError(f"the task cannot be stored: {error}") from error


def decode(data: bytes) -> TaskMessage:
    """Return the message in *data*; unknown fields are ignored.

    Most messages differ only in payload and ID from earlier ones. Of these, only the two are read,
    and what stands before and behind them is looked up: 0.6 µs, where `_decode_any` takes 1.3.

    Raises:
        PayloadError: the bytes are not a message.
    """
    try:
        type_end = data[1] + 2
        size, payload_at = data[type_end + 1], type_end + 2
        if size >= CONTINUED:
            size += (data[payload_at] - 1) * CONTINUED
            payload_at += 1
            if size >= TWO_BYTES:
                return _decode_any(data)
        payload_end = payload_at + size
        id_at = payload_end + 2
        id_end = id_at + data[payload_end + 1]
        task_type, limits = _types.get(data[:type_end]), _limits.get(data[id_end:])
        if (
            task_type is None
            or limits is None
            or data[type_end] != PAYLOAD_TAG
            or data[payload_end] != ID_TAG
            or id_end - id_at >= CONTINUED
            or id_end > len(data)
        ):
            return _decode_new(data, type_end, id_end)
        task_id = data[id_at:id_end].decode()
    except (IndexError, UnicodeDecodeError):
        return _decode_any(data)
    queue, retry, timeout, retention, group_key = limits
    return TaskMessage(
        type=task_type,
        payload=data[payload_at:payload_end],
        id=task_id,
        queue=queue,
        retry=retry,
        timeout=timeout,
        retention=retention,
        group_key=group_key,
    )


def peek_type(data: bytes) -> str | None:
    """Return the type of a message without decoding the rest; None if that takes a decoder."""
    if len(data) < 2 or data[0] != TYPE_TAG or data[1] >= CONTINUED:  # noqa: PLR2004 - tag and size
        return None
    try:
        return data[2 : data[1] + 2].decode()
    except UnicodeDecodeError:
        return None


def is_same_task(one: TaskMessage, other: TaskMessage) -> bool:
    """Return whether both are the same task, even at different times of its life."""
    return _birth(one) == _birth(other)


def clean_text(text: str, limit_bytes: int) -> str:
    """Return *text* as Go can store it: valid Unicode, at most *limit_bytes* of UTF-8."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit_bytes:
        return data.decode()
    return data[: limit_bytes - 3].decode("utf-8", "ignore") + "…"


def _decode_new(data: bytes, type_end: int, id_end: int) -> TaskMessage:
    """Decode a message, and keep its type and its limits for the next ones of their kind."""
    message = _decode_any(data)
    if _is_rare(message) or type_end - 2 >= CONTINUED:  # a longer size takes two bytes
        return message
    limits = message.queue, message.retry, message.timeout, message.retention, message.group_key
    task_type, rest = data[:type_end], data[id_end:]
    written = bytes((TYPE_TAG, type_end - 2)) + message.type.encode()
    if task_type == written and rest == encoded_limits(*limits):
        for parts in (_types, _limits):
            if len(parts) >= MOST_PARTS:
                parts.clear()
        _types[task_type] = message.type
        _limits[rest] = limits
    return message


def _decode_any(data: bytes) -> TaskMessage:
    try:
        wire = asynq_pb2.TaskMessage.FromString(data)
    except (DecodeError, ValueError) as error:
        raise PayloadError(f"the bytes are not a task message: {error}") from error
    headers = wire.headers
    return TaskMessage(
        type=wire.type,
        payload=wire.payload,
        headers=dict(sorted(headers.items())) if headers else NO_HEADERS,  # a map has no order
        id=wire.id,
        queue=wire.queue,
        retry=wire.retry,
        retried=wire.retried,
        error_msg=wire.error_msg,
        last_failed_at=wire.last_failed_at,
        timeout=wire.timeout,
        deadline=wire.deadline,
        unique_key=wire.unique_key,
        group_key=wire.group_key,
        retention=wire.retention,
        completed_at=wire.completed_at,
    )


def _is_rare(message: TaskMessage) -> bool:
    """Return whether *message* has, or lacks, more than what tells new tasks apart."""
    return bool(
        not message.payload
        or not message.id
        or message.headers
        or message.deadline
        or message.unique_key
        or message.retried
        or message.error_msg
        or message.last_failed_at
        or message.completed_at
    )


def _encode_any(message: TaskMessage) -> bytes:
    wire = asynq_pb2.TaskMessage(
        type=message.type,
        payload=message.payload,
        id=message.id,
        queue=message.queue,
        retry=message.retry,
        retried=message.retried,
        error_msg=message.error_msg,
        timeout=message.timeout,
        deadline=message.deadline,
        unique_key=message.unique_key,
        last_failed_at=message.last_failed_at,
        retention=message.retention,
        completed_at=message.completed_at,
        group_key=message.group_key,
    )
    if message.headers:
        wire.headers.update(message.headers)
        return wire.SerializeToString(deterministic=True)
    return wire.SerializeToString()


def _encode_new(message: TaskMessage) -> bytes:
    """Encode a message that differs only in payload and ID from earlier ones."""
    limits = encoded_limits(
        message.queue, message.retry, message.timeout, message.retention, message.group_key
    )
    return encode_new(message.type, message.payload, message.id, limits)


@lru_cache(maxsize=512)
def _before_payload(size: int) -> bytes:
    return bytes((PAYLOAD_TAG,)) + _encoded_size(size)


@lru_cache(maxsize=64)
def _before_id(size: int) -> bytes:
    return bytes((ID_TAG,)) + _encoded_size(size)


def _encoded_size(size: int) -> bytes:
    """Return a number as protobuf writes it: seven bits a byte, the lowest first."""
    digits = bytearray()
    while size >= CONTINUED:
        digits.append(size & (CONTINUED - 1) | CONTINUED)
        size >>= 7
    digits.append(size)
    return bytes(digits)


@lru_cache(maxsize=512)
def _encoded_type(task_type: str) -> bytes:
    return asynq_pb2.TaskMessage(type=task_type).SerializeToString()


def _birth(message: TaskMessage) -> TaskMessage:
    return msgspec.structs.replace(
        message, retried=0, error_msg="", last_failed_at=0, completed_at=0
    )
