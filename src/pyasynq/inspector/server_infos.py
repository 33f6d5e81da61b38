"""What an inspector returns about servers, schedulers and groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyasynq.broker.operations.schedulers import TickRecord
from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.inspector.scheduler_entries import EntryPause, entry_pause
from pyasynq.wire.handled import NOTHING_KNOWN, Handled
from pyasynq.wire.records import (
    EnqueueEventRecord,
    SchedulerEntryRecord,
    ServerRecord,
    WorkerRecord,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupInfo:
    """A group of tasks that wait to be aggregated.

    Attributes:
        group: its name.
        size: how many members it has.
    """

    group: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """A task that a server runs.

    Attributes:
        task_id: the task.
        task_type: its type.
        payload: its payload.
        queue: its queue.
        started_at: when the attempt began.
        deadline: when the attempt ends at the latest.
    """

    task_id: str
    task_type: str
    payload: bytes
    queue: str
    started_at: datetime | None
    deadline: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """A server that is alive.

    Attributes:
        id: its ID.
        host: its machine.
        pid: its process.
        concurrency: how many tasks it runs at the same time.
        queues: name to priority.
        strict_priority: whether a queue waits for those of higher priority.
        status: "active" or "stopped"; what else Go writes.
        started_at: when it started.
        active_worker_count: how many tasks it said that it runs.
        active_workers: these tasks, the longest first; a moment older or newer than their count.
        task_types: what it handles: task types, and beginnings of types with ``*`` behind them;
            None if it has not published them, as no server in Go does.
    """

    id: str
    host: str
    pid: int
    concurrency: int
    queues: Mapping[str, int]
    strict_priority: bool
    status: str
    started_at: datetime | None
    active_worker_count: int
    active_workers: tuple[WorkerInfo, ...] = ()
    task_types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerEntry:
    """A periodic task of a scheduler that is alive.

    Attributes:
        id: its ID.
        spec: when it is due, such as "*/5 * * * *" or "@every 30s".
        task_type: the type of its tasks.
        payload: their payload.
        options: how they are enqueued, in Go's text form, such as 'Queue("low")'.
        next_enqueue_at: when it enqueues the next time.
        previous_enqueue_at: when it did the last time; None if it has not yet.
        is_pausable: whether its scheduler knows pauses, as those of pyasynq do.
        is_paused: whether its ticks pass without a task; only schedulers of pyasynq know that, and
            what follows.
        paused_since: when it was paused; None if it is not, or that is not known.
        paused_by: who paused it; empty if that was not said.
        pause_reason: why; empty if that was not said.
        last_tick_at: its last tick that a scheduler has done, with a task or without; None if
            there was none yet.
    """

    id: str
    spec: str
    task_type: str
    payload: bytes
    options: tuple[str, ...]
    next_enqueue_at: datetime | None
    previous_enqueue_at: datetime | None
    is_pausable: bool = False
    is_paused: bool = False
    paused_since: datetime | None = None
    paused_by: str = ""
    pause_reason: str = ""
    last_tick_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueueEvent:
    """A task that a scheduler entry has enqueued.

    Attributes:
        task_id: the task.
        enqueued_at: when.
    """

    task_id: str
    enqueued_at: datetime | None


def server_info(
    record: ServerRecord, workers: Sequence[WorkerRecord], handled: Handled = NOTHING_KNOWN
) -> ServerInfo:
    """Return a server and the tasks that it runs."""
    oldest_first = sorted(workers, key=lambda each: (each.started_ns or 0, each.task_id))
    return ServerInfo(
        id=record.server_id,
        host=record.host,
        pid=record.pid,
        concurrency=record.concurrency,
        queues=record.queues,
        strict_priority=record.strict_priority,
        status=record.status,
        started_at=_moment(record.started_ns),
        active_worker_count=record.active_worker_count,
        active_workers=tuple(map(worker_info, oldest_first)),
        task_types=handled.types,
    )


def worker_info(record: WorkerRecord) -> WorkerInfo:
    """Return a task that runs."""
    return WorkerInfo(
        task_id=record.task_id,
        task_type=record.task_type,
        payload=record.task_payload,
        queue=record.queue,
        started_at=_moment(record.started_ns),
        deadline=_moment(record.deadline_ns),
    )


def scheduler_entry(record: SchedulerEntryRecord, tick: TickRecord | None = None) -> SchedulerEntry:
    """Return an entry of a scheduler; *tick* is what is known of its ticks."""
    pause = entry_pause(tick.paused) if tick else EntryPause()
    return SchedulerEntry(
        id=record.id,
        spec=record.spec,
        task_type=record.task_type,
        payload=record.task_payload,
        options=record.enqueue_options,
        next_enqueue_at=_moment(record.next_enqueue_ns),
        previous_enqueue_at=_moment(record.previous_enqueue_ns),
        is_pausable=tick is not None,
        is_paused=tick is not None and bool(tick.paused),
        paused_since=pause.since,
        paused_by=pause.by,
        pause_reason=pause.reason,
        last_tick_at=_moment(tick.at_s * NANOSECONDS) if tick and tick.task_id else None,
    )


def enqueue_event(record: EnqueueEventRecord) -> EnqueueEvent:
    """Return what a scheduler entry has enqueued."""
    return EnqueueEvent(task_id=record.task_id, enqueued_at=_moment(record.enqueued_ns))


def _moment(time_ns: int | None) -> datetime | None:
    return None if time_ns is None else to_datetime(time_ns)
