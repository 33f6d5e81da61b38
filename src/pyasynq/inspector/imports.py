"""What an import makes of a line, and what became of all lines. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Literal, get_args

import msgspec
from google.protobuf.message import DecodeError

from pyasynq.broker.decoding import MOST
from pyasynq.broker.new_tasks.payload_size import LARGEST_PAYLOAD_BYTES
from pyasynq.broker.operations.transfer import MOST_FIELDS, StoredHash, ToImport
from pyasynq.errors import ConfigError, PayloadError
from pyasynq.inspector.exports import lock_of
from pyasynq.inspector.task_lines import (
    TaskLine,
    fields_in_bytes,
    in_bytes,
    message_fields,
    message_of,
    parsed,
)
from pyasynq.inspector.walks import state_of
from pyasynq.options import name_fault
from pyasynq.task import TaskState
from pyasynq.wire import asynq_pb2
from pyasynq.wire.keys import QueueKeys, queue_keys
from pyasynq.wire.message import decode

OnConflict = Literal["skip", "fail", "new-id"]
Active = Literal["pending", "active"]

OF_A_RUN = (b"owner", b"on_cancel")  # fields that say who runs the task
NOT_IN_A_SET = (TaskState.PENDING, TaskState.ACTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What became of the lines of an import, or would become of them.

    Attributes:
        imported: how many tasks were stored.
        renamed: how many of these got a new ID.
        skipped: how many were not, since their ID was taken or another task held their lock.
        bad: how many lines were no tasks, or Redis refused them.
        lines: how many lines were read; empty ones do not count.
    """

    imported: int = 0
    renamed: int = 0
    skipped: int = 0
    bad: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that was not imported.

    Attributes:
        line: its number, from 1.
        reason: what is wrong with it.
    """

    line: int
    reason: str


def task_of(
    text: str | bytes, *, namespace: str, queue: str | None, active: Active, now_ns: int
) -> ToImport:
    """Return the task that a line holds, as it is to be stored.

    Args:
        text: what an export wrote, perhaps changed by people.
        namespace: of the keys here.
        queue: the queue here; that of the line if None.
        active: what an active task becomes.
        now_ns: since when it is pending, if it becomes that.

    Raises:
        PayloadError: the line is not a task.
    """
    line = parsed(text)
    try:
        state = state_of(line.state)
        before = queue_keys(line.queue, line.namespace)
        keys = queue_keys(line.queue if queue is None else queue, namespace)
    except ConfigError as error:
        raise PayloadError(str(error)) from error
    task_id = _text("id", line.id, line.id_base64)
    if not task_id:
        raise PayloadError("id must not be empty")
    fields = _hash(line, task_id, state)
    if before.prefix != keys.prefix:
        fields = _moved(fields, before, keys)
    task = ToImport(
        keys=keys,
        task_id=task_id,
        state=state,
        group=_group(line, state, fields),
        score=_score(line.score, state),
        fields=fields,
        lock=_lock(line.lock_ms, fields, keys),
        lock_ms=line.lock_ms or 0,
    )
    if state is TaskState.ACTIVE and active == "pending":
        return _waiting(task, now_ns)
    return task


def renamed(task: ToImport, new_id: str) -> ToImport:
    """Return a task under another ID."""
    fields = dict(task.fields)
    if b"msg" in fields:
        fields[b"msg"] = _changed(fields[b"msg"], id=new_id)
    return msgspec.structs.replace(task, task_id=new_id, fields=fields)


def type_of(task: ToImport) -> str:
    """Return the type of a task; empty if its message cannot be read."""
    try:
        return decode(task.fields.get(b"msg", b"")).type
    except PayloadError:
        return ""


def import_faults(on_conflict: object, active: object, queue: object) -> list[str | None]:
    """Return what is wrong with the arguments of an import, None for each that is good."""
    return [
        _choice_fault("on_conflict", on_conflict, get_args(OnConflict)),
        _choice_fault("active", active, get_args(Active)),
        None if queue is None else name_fault("queue", queue),
    ]


def _choice_fault(what: str, value: object, choices: Sequence[str]) -> str | None:
    if value in choices:
        return None
    return f"{what} must be {', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}, not {value!r}"


def _hash(line: TaskLine, task_id: str, state: TaskState) -> dict[bytes, bytes]:
    """Return the hash of a task."""
    fields: dict[bytes, bytes | None] = {b"msg": _message(line, task_id)}
    fields[b"state"] = state.encode()
    if line.result is not None or line.result_base64 is not None:
        fields[b"result"] = in_bytes("result", line.result, line.result_base64)
    for name, value in fields_in_bytes(line).items():
        if name in (b"msg", b"result"):
            raise PayloadError(
                f"fields must not hold {name.decode()}, which has a field of its own"
            )
        fields[name] = value
    given = {name: value for name, value in fields.items() if value is not None}
    if not given:
        raise PayloadError("the task has no fields at all")
    if len(given) > MOST_FIELDS:
        raise PayloadError(f"the task has {len(given)} fields; at most {MOST_FIELDS} are allowed")
    if any(len(each) > LARGEST_PAYLOAD_BYTES for each in given.values()):
        raise PayloadError("the task is too large; at most 512 MiB fit redis")
    return given


def _message(line: TaskLine, task_id: str) -> bytes | None:
    """Return the message of a task; None if it has none."""
    if line.message_base64 is None:
        return None if line.type is None else message_of(line, task_id)
    data = in_bytes("message", None, line.message_base64)
    if line.type is None:
        return data
    told = message_fields(decode(data))
    if any(told.get(name, "") != getattr(line, name) for name in (*told, "payload_base64")):
        raise PayloadError(
            "its fields and message_base64 contradict each other; "
            "delete message_base64 if the fields are right"
        )
    return data


def _text(what: str, text: str, encoded: str) -> str:
    return in_bytes(what, text, encoded).decode("utf-8", "surrogateescape")


def _group(line: TaskLine, state: TaskState, fields: Mapping[bytes, bytes]) -> str:
    if state is TaskState.AGGREGATING:  # Go allows a group without a name
        return _text("group", line.group, line.group_base64)
    return fields.get(b"group", b"").decode("utf-8", "surrogateescape")


def _score(given: float | str | None, state: TaskState) -> float | None:
    try:
        score = None if given is None else float(given)
    except ValueError:
        score = float("nan")
    if score is not None and isnan(score):
        raise PayloadError(f"score must be a number, not {given!r}")
    if score is None and state not in NOT_IN_A_SET:
        raise PayloadError(f"a task that is {state.value} needs a score, in Unix seconds")
    return score if state is not TaskState.PENDING else None


def _lock(lock_ms: int | None, fields: Mapping[bytes, bytes], keys: QueueKeys) -> str:
    """Return the unique lock that a task holds; empty if it holds none."""
    if lock_ms is None:
        return ""
    lock = lock_of(StoredHash(task_id="", score=None, fields=fields))
    if not lock.startswith(keys.unique_prefix):
        raise PayloadError(f"lock_ms is given, but {lock!r} is no lock of queue {keys.queue!r}")
    if lock_ms != -1 and not 1 <= lock_ms <= MOST // 1000:
        raise PayloadError(f"lock_ms must be a number of milliseconds, or -1, not {lock_ms}")
    return lock


def _waiting(task: ToImport, now_ns: int) -> ToImport:
    """Return an active task as it is once its worker has given it back."""
    fields = {name: value for name, value in task.fields.items() if name not in OF_A_RUN}
    fields |= {b"state": b"pending", b"pending_since": str(now_ns).encode()}
    return msgspec.structs.replace(
        task, state=TaskState.PENDING, score=None, fields=fields, end="tail"
    )


def _moved(
    fields: Mapping[bytes, bytes], before: QueueKeys, after: QueueKeys
) -> dict[bytes, bytes]:
    """Return the hash of a task as it is in another queue or namespace."""
    changed = dict(fields)
    prefix = before.prefix.encode()
    lock = changed.get(b"unique_key", b"")
    if lock.startswith(prefix):
        changed[b"unique_key"] = after.prefix.encode() + lock.removeprefix(prefix)
    if b"msg" in changed:
        changed[b"msg"] = _changed(changed[b"msg"], queue=after.queue, prefix=(before, after))
    return changed


def _changed(
    data: bytes,
    *,
    id: str | None = None,  # noqa: A002 - what it is called everywhere
    queue: str | None = None,
    prefix: tuple[QueueKeys, QueueKeys] | None = None,
) -> bytes:
    """Return a message with what is given replaced; one that cannot be read stays as it is."""
    try:
        message = asynq_pb2.TaskMessage.FromString(data)
    except (DecodeError, ValueError):
        return data
    if id is not None:
        message.id = id
    if queue is not None:
        message.queue = queue
    if prefix is not None and message.unique_key.startswith(prefix[0].prefix):
        message.unique_key = prefix[1].prefix + message.unique_key.removeprefix(prefix[0].prefix)
    return message.SerializeToString(deterministic=True)
