"""A task as a line of JSON that holds everything: what `export` writes and `import_` reads.

The message is in fields that people can read. If these do not make the very same bytes, as of a
message that another program has written or that is damaged, the bytes are there as well, and they
are what counts. Pure; docs/reference/task-files.md describes the fields.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from pyasynq.clock import NANOSECONDS, to_datetime, to_ns
from pyasynq.errors import PayloadError
from pyasynq.wire.keys import DEFAULT_NAMESPACE
from pyasynq.wire.message import TaskMessage, encode

FORMAT = 1


class TaskLine(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """The fields of a line; those that say nothing are left out.

    Bytes that are not UTF-8 are in the field of the same name with ``_base64``.

    Attributes:
        format: of the line; a line of another format is refused.
        namespace, queue, id, state: where the task was.
        group: the group that it waited in.
        score: of its ID in the set of its state, in seconds; "inf" and the like as text.
        type: None if the message cannot be read.
        message_base64: the message, if the fields that people can read do not make its bytes.
        lock_ms: how long its unique lock lasted, if it held it; -1 for ever.
        fields: all others of its hash; None for a usual one that is not there.
    """

    format: int
    namespace: str = DEFAULT_NAMESPACE
    queue: str
    id: str = ""
    id_base64: str = ""
    state: str
    group: str = ""
    group_base64: str = ""
    score: float | str | None = None
    type: str | None = None
    payload: str = ""
    payload_base64: str = ""
    headers: dict[str, str] = {}
    max_retry: int = 0
    retried: int = 0
    last_error: str = ""
    last_failed_at: str = ""
    timeout: int = 0
    deadline: str = ""
    retention: int = 0
    completed_at: str = ""
    unique_key: str = ""
    group_key: str = ""
    message_base64: str | None = None
    result: str | None = None
    result_base64: str | None = None
    lock_ms: int | None = None
    fields: dict[str, str | None] = {}
    fields_base64: dict[str, str] = {}


class AnyLine(msgspec.Struct, frozen=True):
    """What every line has, whatever its format."""

    format: int


def parsed(line: str | bytes) -> TaskLine:
    """Return the fields of a line.

    Raises:
        PayloadError: it is not a line of this format.
    """
    try:
        found = msgspec.json.decode(line, type=AnyLine).format
        if found != FORMAT:
            raise PayloadError(
                f"its format is {found}, and this pyasynq reads {FORMAT}; use a newer version"
            )
        return msgspec.json.decode(line, type=TaskLine)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise PayloadError(f"it is not a task: {error}") from error


def message_fields(message: TaskMessage) -> dict[str, Any]:
    """Return a message as fields of a line."""
    return {
        "type": message.type,
        **in_text("payload", message.payload),
        "headers": dict(message.headers),
        "max_retry": message.retry,
        "retried": message.retried,
        "last_error": message.error_msg,
        "last_failed_at": _moment(message.last_failed_at),
        "timeout": message.timeout,
        "deadline": _moment(message.deadline),
        "retention": message.retention,
        "completed_at": _moment(message.completed_at),
        "unique_key": message.unique_key,
        "group_key": message.group_key,
    }


def message_of(line: TaskLine, task_id: str) -> bytes:
    """Return the message that the readable fields of a line make.

    Raises:
        PayloadError: they make none.
    """
    return encode(
        TaskMessage(
            type=line.type or "",
            payload=in_bytes("payload", line.payload, line.payload_base64),
            headers=line.headers,
            id=task_id,
            queue=line.queue,
            retry=line.max_retry,
            retried=line.retried,
            error_msg=line.last_error,
            last_failed_at=_seconds("last_failed_at", line.last_failed_at),
            timeout=line.timeout,
            deadline=_seconds("deadline", line.deadline),
            unique_key=line.unique_key,
            group_key=line.group_key,
            retention=line.retention,
            completed_at=_seconds("completed_at", line.completed_at),
        )
    )


def in_text(name: str, data: bytes) -> dict[str, str]:
    """Return the field that holds bytes: as text if they are UTF-8, else in Base64."""
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(data).decode()}


def in_bytes(name: str, text: str | None, encoded: str | None) -> bytes:
    """Return the bytes that one of two fields holds; see `in_text`.

    Raises:
        PayloadError: both are given, or one is not what it should be.
    """
    if text and encoded:
        raise PayloadError(f"{name} and {name}_base64 contradict each other; give one of them")
    try:
        return base64.b64decode(encoded, validate=True) if encoded else (text or "").encode()
    except (binascii.Error, ValueError) as error:
        raise PayloadError(f"{name}_base64 is not base64: {error}") from error


def fields_in_text(fields: Mapping[bytes, bytes]) -> dict[str, dict[str, str]]:
    """Return the two fields that hold the others of a hash: those that are text, and the rest."""
    texts: dict[str, str] = {}
    others: dict[str, str] = {}
    for name, value in fields.items():
        try:
            texts[name.decode()] = value.decode()
        except UnicodeDecodeError:
            others[base64.b64encode(name).decode()] = base64.b64encode(value).decode()
    return {"fields": texts, "fields_base64": others}


def fields_in_bytes(line: TaskLine) -> dict[bytes, bytes | None]:
    """Return the other fields of a hash; see `fields_in_text`.

    Raises:
        PayloadError: one is not what it should be.
    """
    found = {
        name.encode(): None if value is None else value.encode()
        for name, value in line.fields.items()
    }
    for name, value in line.fields_base64.items():
        found[in_bytes("fields", None, name)] = in_bytes("fields", None, value)
    return found


def _moment(seconds: int) -> str:
    if not seconds:
        return ""
    return to_datetime(seconds * NANOSECONDS).isoformat().replace("+00:00", "Z")


def _seconds(name: str, text: str) -> int:
    try:
        return to_ns(datetime.fromisoformat(text)) // NANOSECONDS if text else 0
    except (TypeError, ValueError):
        raise PayloadError(
            f"{name} is not a time with a zone, such as 2030-01-31T12:00:00Z: {text!r}"
        ) from None
