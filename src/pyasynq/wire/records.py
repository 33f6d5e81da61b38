"""What servers and schedulers write about themselves in Redis.

Times are nanoseconds since the epoch, None for the zero time of Go. The zero time is written as the
first second of the year 1, since Go reads a missing timestamp as 1970.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp

from pyasynq.clock import NANOSECONDS
from pyasynq.errors import PayloadError
from pyasynq.wire import asynq_pb2

GO_ZERO_SECONDS = -62_135_596_800  # time.Time{} of Go: 0001-01-01T00:00:00Z

M = TypeVar("M", bound=Message)


class ServerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A worker server.

    Attributes:
        queues: name to priority, as configured.
        status: "new", "active", "stopped" or "closed".
        active_worker_count: how many handlers run.
    """

    host: str = ""
    pid: int = 0
    server_id: str = ""
    concurrency: int = 0
    queues: Mapping[str, int] = msgspec.field(default_factory=dict)
    strict_priority: bool = False
    status: str = ""
    started_ns: int | None = None
    active_worker_count: int = 0


class WorkerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A running task."""

    host: str = ""
    pid: int = 0
    server_id: str = ""
    task_id: str = ""
    task_type: str = ""
    task_payload: bytes = b""
    queue: str = ""
    started_ns: int | None = None
    deadline_ns: int | None = None


class SchedulerEntryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A periodic task of a scheduler.

    Attributes:
        enqueue_options: in the text form of `pyasynq.wire.option_text`.
    """

    id: str = ""
    spec: str = ""
    task_type: str = ""
    task_payload: bytes = b""
    enqueue_options: tuple[str, ...] = ()
    next_enqueue_ns: int | None = None
    previous_enqueue_ns: int | None = None


class EnqueueEventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A task that a scheduler enqueued."""

    task_id: str = ""
    enqueued_ns: int | None = None


def encode_server(record: ServerRecord) -> bytes:
    """Return the bytes of *record*; a wrong value is a PayloadError."""
    return _encode(
        asynq_pb2.ServerInfo,
        host=record.host,
        pid=record.pid,
        server_id=record.server_id,
        concurrency=record.concurrency,
        queues=record.queues,
        strict_priority=record.strict_priority,
        status=record.status,
        start_time=_timestamp(record.started_ns),
        active_worker_count=record.active_worker_count,
    )


def decode_server(data: bytes) -> ServerRecord:
    """Return the record in *data*; other bytes are a PayloadError."""
    wire = _decode(asynq_pb2.ServerInfo, data)
    return ServerRecord(
        host=wire.host,
        pid=wire.pid,
        server_id=wire.server_id,
        concurrency=wire.concurrency,
        queues=dict(wire.queues),
        strict_priority=wire.strict_priority,
        status=wire.status,
        started_ns=_nanoseconds(wire.start_time),
        active_worker_count=wire.active_worker_count,
    )


def encode_worker(record: WorkerRecord) -> bytes:
    """Return the bytes of *record*; a wrong value is a PayloadError."""
    return _encode(
        asynq_pb2.WorkerInfo,
        host=record.host,
        pid=record.pid,
        server_id=record.server_id,
        task_id=record.task_id,
        task_type=record.task_type,
        task_payload=record.task_payload,
        queue=record.queue,
        start_time=_timestamp(record.started_ns),
        deadline=_timestamp(record.deadline_ns),
    )


def decode_worker(data: bytes) -> WorkerRecord:
    """Return the record in *data*; other bytes are a PayloadError."""
    wire = _decode(asynq_pb2.WorkerInfo, data)
    return WorkerRecord(
        host=wire.host,
        pid=wire.pid,
        server_id=wire.server_id,
        task_id=wire.task_id,
        task_type=wire.task_type,
        task_payload=wire.task_payload,
        queue=wire.queue,
        started_ns=_nanoseconds(wire.start_time),
        deadline_ns=_nanoseconds(wire.deadline),
    )


def encode_scheduler_entry(record: SchedulerEntryRecord) -> bytes:
    """Return the bytes of *record*; a wrong value is a PayloadError."""
    return _encode(
        asynq_pb2.SchedulerEntry,
        id=record.id,
        spec=record.spec,
        task_type=record.task_type,
        task_payload=record.task_payload,
        enqueue_options=record.enqueue_options,
        next_enqueue_time=_timestamp(record.next_enqueue_ns),
        prev_enqueue_time=_timestamp(record.previous_enqueue_ns),
    )


def decode_scheduler_entry(data: bytes) -> SchedulerEntryRecord:
    """Return the record in *data*; other bytes are a PayloadError."""
    wire = _decode(asynq_pb2.SchedulerEntry, data)
    return SchedulerEntryRecord(
        id=wire.id,
        spec=wire.spec,
        task_type=wire.task_type,
        task_payload=wire.task_payload,
        enqueue_options=tuple(wire.enqueue_options),
        next_enqueue_ns=_nanoseconds(wire.next_enqueue_time),
        previous_enqueue_ns=_nanoseconds(wire.prev_enqueue_time),
    )


def encode_enqueue_event(record: EnqueueEventRecord) -> bytes:
    """Return the bytes of *record*; a wrong value is a PayloadError."""
    return _encode(
        asynq_pb2.SchedulerEnqueueEvent,
        task_id=record.task_id,
        enqueue_time=_timestamp(record.enqueued_ns),
    )


def decode_enqueue_event(data: bytes) -> EnqueueEventRecord:
    """Return the record in *data*; other bytes are a PayloadError."""
    wire = _decode(asynq_pb2.SchedulerEnqueueEvent, data)
    return EnqueueEventRecord(task_id=wire.task_id, enqueued_ns=_nanoseconds(wire.enqueue_time))


def _encode(kind: type[Message], **fields: object) -> bytes:
    try:
        return kind(**fields).SerializeToString(deterministic=True)
    except (TypeError, ValueError) as error:
        raise PayloadError(f"{kind.__name__} cannot be stored: {error}") from error


def _decode(kind: type[M], data: bytes) -> M:
    try:
        return kind.FromString(data)
    except (DecodeError, ValueError) as error:
        raise PayloadError(f"the bytes are not a {kind.__name__}: {error}") from error


def _timestamp(time_ns: int | None) -> Timestamp:
    if time_ns is None:
        return Timestamp(seconds=GO_ZERO_SECONDS)
    seconds, nanos = divmod(time_ns, NANOSECONDS)
    return Timestamp(seconds=seconds, nanos=nanos)


def _nanoseconds(timestamp: Timestamp) -> int | None:
    if timestamp.seconds == GO_ZERO_SECONDS and not timestamp.nanos:
        return None
    return timestamp.seconds * NANOSECONDS + timestamp.nanos
