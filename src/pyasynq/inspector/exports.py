"""What an export writes of a stored task. Pure."""

import base64
from math import isfinite
from typing import Any

import msgspec

from pyasynq.broker.operations.transfer import StoredHash
from pyasynq.errors import PayloadError
from pyasynq.inspector.task_lines import (
    FORMAT,
    TaskLine,
    fields_in_text,
    in_text,
    message_fields,
    message_of,
)
from pyasynq.task import TaskState
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import decode

# As tasks flow, so that one which goes on while they are read is met later rather than not at all.
STATES = (
    *(TaskState.SCHEDULED, TaskState.AGGREGATING, TaskState.PENDING, TaskState.ACTIVE),
    *(TaskState.RETRY, TaskState.ARCHIVED, TaskState.COMPLETED),
)


def line_of(
    keys: QueueKeys, state: TaskState, group: str, found: StoredHash, *, lock_ms: int | None = None
) -> str:
    """Return a stored task as a line, with its end.

    Args:
        keys: of its queue.
        state: where it is listed.
        group: the group that it waits in; empty if it waits in none.
        found: the task, which has fields.
        lock_ms: how long its unique lock lasts, if it holds it; -1 for ever.
    """
    fields = dict(found.fields or {})
    data, result = fields.pop(b"msg", None), fields.pop(b"result", None)
    given: dict[str, Any] = {
        **in_text("id", _raw(found.task_id)),
        **in_text("group", _raw(group)),
        **({} if data is None else _message(data)),
        **({} if result is None else in_text("result", result)),
    }
    stored_state = fields.get(b"state")
    if stored_state == state.encode():
        del fields[b"state"]
    others: dict[str, Any] = fields_in_text(fields)
    if stored_state is None:
        others["fields"]["state"] = None
    line = TaskLine(
        format=FORMAT,
        namespace=keys.namespace,
        queue=keys.queue,
        state=state.value,
        score=_score(found.score),
        lock_ms=lock_ms,
        **given,
        **others,
    )
    if data is not None and not _makes(line, found.task_id, data):
        line = msgspec.structs.replace(line, message_base64=base64.b64encode(data).decode())
    return msgspec.json.encode(line).decode() + "\n"


def fault_of(found: StoredHash) -> str:
    """Return what is wrong with a stored task, also if it can be written; empty if nothing is."""
    if found.fields is None:
        return found.fault
    data = found.fields.get(b"msg")
    if not data:
        return "its message is empty"
    try:
        decode(data)
    except PayloadError as error:
        return str(error)
    return ""


def lock_of(found: StoredHash) -> str:
    """Return the unique lock that a stored task may hold; empty if it has none."""
    fields = found.fields or {}
    if lock := fields.get(b"unique_key"):
        return lock.decode("utf-8", "surrogateescape")
    try:  # asynq v0.26 rdb.go addToGroupUniqueCmd: the hash of a member of a group does not name it
        return decode(fields.get(b"msg", b"")).unique_key
    except PayloadError:
        return ""


def _message(data: bytes) -> dict[str, Any]:
    try:
        return message_fields(decode(data))
    except PayloadError:
        return {}


def _makes(line: TaskLine, task_id: str, data: bytes) -> bool:
    """Return whether the readable fields of a line make the very bytes of its message."""
    if line.type is None:
        return False
    try:
        return message_of(line, task_id) == data
    except PayloadError:
        return False


def _score(score: float | None) -> float | str | None:
    return score if score is None or isfinite(score) else str(score)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
