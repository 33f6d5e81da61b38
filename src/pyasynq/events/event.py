"""What happens to tasks, workers and periodic tasks, as data.

    started             its handler is about to run
    succeeded           it is done, or completed
    failed              an attempt failed; `retried` or `archived` follows
    retried             it runs again later, after a failure
    deferred            it runs again later, since its handler raised RetryLater
    archived            it is kept for a person to look at
    dropped             it is deleted without success: revoked, expired, or cancelled with
                        then="drop"
    requeued            it is back at the front of its queue, since the server stops
    lost                its lease ended while it ran: another worker may have it
    recovered           its worker is gone; `retried` or `archived` follows

    worker_started      every part of a server works
    worker_stopped      a server does nothing more: its last event

    periodic_enqueued   a tick of a periodic task has made a task
    periodic_skipped    a tick has made none, as the user wants it
    periodic_failed     a tick has made none, since that was refused

A listener gets them apart from the work, in the process in which they happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from pyasynq.errors import PyasynqError
from pyasynq.task import Task

TaskEventName = Literal[
    "started",
    "succeeded",
    "failed",
    "retried",
    "deferred",
    "archived",
    "dropped",
    "requeued",
    "lost",
    "recovered",
]
WorkerEventName = Literal["worker_started", "worker_stopped"]
PeriodicEventName = Literal["periodic_enqueued", "periodic_skipped", "periodic_failed"]
Reason = Literal["", "unfinished", "duplicate", "paused"]
EventName = Literal[TaskEventName, WorkerEventName, PeriodicEventName]

TASK_EVENTS: tuple[TaskEventName, ...] = get_args(TaskEventName)
WORKER_EVENTS: tuple[WorkerEventName, ...] = get_args(WorkerEventName)
PERIODIC_EVENTS: tuple[PeriodicEventName, ...] = get_args(PeriodicEventName)
SERVER_EVENTS: tuple[TaskEventName | WorkerEventName, ...] = (*TASK_EVENTS, *WORKER_EVENTS)
EVENT_NAMES: tuple[EventName, ...] = get_args(EventName)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvent:
    """Something that happened to one task.

    Attributes:
        name: what, such as "archived".
        task: type, payload and headers; the type is empty where the message cannot be read.
        task_id: ID of the task, unique in its queue.
        queue: the queue it was found in.
        attempt: number of the attempt that this is about, from 1.
        max_retry: how often the task may be retried.
        at: when the server knew of it: all but `started`, `lost` and what it refused to start
            once it was in Redis.
        waited: for how long the task was pending before this attempt; None if that is not known,
            as of `recovered`.
        duration: for how long the handler ran, until its outcome was decided; None if it has not
            run, or not here.
        error: what the handler raised, or what stands for it (its time was up, it was cancelled,
            its worker is gone); None if nothing failed.
        error_text: what Redis keeps as the last error of the task, as tools show it; empty if
            this attempt has left nothing there.
        retry_at: when the task runs again, of `retried` and `deferred`.
        server_id: ID of the server where it happened.
        state: what `TaskContext.state` is.
    """

    name: TaskEventName
    task: Task
    task_id: str
    queue: str
    attempt: int
    max_retry: int
    at: datetime
    waited: timedelta | None = None
    duration: timedelta | None = None
    error: BaseException | None = None
    error_text: str = ""
    retry_at: datetime | None = None
    server_id: str
    state: Any = None

    @property
    def task_type(self) -> str:
        """Type of the task."""
        return self.task.type

    @property
    def is_last_attempt(self) -> bool:
        """Whether a failure of this attempt archives the task."""
        return self.attempt > self.max_retry


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEvent:
    """Something that happened to a server, of which a process usually runs one.

    Attributes:
        name: what: "worker_started" or "worker_stopped".
        server_id: ID of the server, the one that tools show; new at each start.
        host: the name of the machine.
        pid: ID of the process.
        queues: the queues that it serves, name to priority.
        concurrency: how many tasks it runs at once.
        version: of pyasynq.
        at: when it happened.
        started_at: when the server had started.
        reason: why it stopped: "shutdown" if it was asked to, by a signal or a call, or "crashed"
            if a part of it has failed; empty of `worker_started`.
        error: the crash; None if it was asked to stop.
        counts: how many tasks it has brought to an end, by what became of them: "done",
            "completed", "retried", "archived", "dropped", "requeued", "lost".
        unwritten: how many outcomes could not be written to Redis; their tasks will be recovered.
        state: what `TaskContext.state` is.
    """

    name: WorkerEventName
    server_id: str
    host: str
    pid: int
    queues: Mapping[str, int]
    concurrency: int
    version: str
    at: datetime
    started_at: datetime
    reason: Literal["", "shutdown", "crashed"] = ""
    error: BaseException | None = None
    counts: Mapping[str, int]
    unwritten: int = 0
    state: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicEvent:
    """What became of one tick of a periodic task.

    Attributes:
        name: what, such as "periodic_enqueued".
        scheduler: name of the scheduler; of an App, the name of the App.
        scheduler_id: of the process that leads: its host, its process ID and a UUID.
        entry_id: ID of the periodic task, the same in every process.
        key: the key that it was registered with; None if it has none.
        spec: when it ticks, such as "*/5 * * * *".
        task: type, payload and headers of what is enqueued.
        task_id: ID of the new task; empty unless one was enqueued.
        queue: where the task goes.
        due_at: when it was due: the time of its tick, and the jitter of that.
        at: when it was enqueued, or was not.
        reason: why the tick was skipped: "unfinished" if the task of an earlier tick is not done,
            "duplicate" if another task holds the same unique lock, "paused" if a person has
            paused it; empty of other events.
        earlier_task_id: ID of the task that is in the way; empty if none is.
        error: why it failed; a `DuplicateTaskError` if that made it skip.
    """

    name: PeriodicEventName
    scheduler: str
    scheduler_id: str
    entry_id: str
    key: str | None
    spec: str
    task: Task
    task_id: str = ""
    queue: str
    due_at: datetime
    at: datetime
    reason: Reason = ""
    earlier_task_id: str = ""
    error: PyasynqError | None = None

    @property
    def task_type(self) -> str:
        """Type of the task."""
        return self.task.type


Event = TaskEvent | WorkerEvent | PeriodicEvent
