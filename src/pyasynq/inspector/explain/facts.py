"""What the explanation of a task is made of: all that was read, at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pyasynq.broker.operations.explanation import MOST_IDS, PlacedTask
from pyasynq.broker.operations.inspection import QueueStats
from pyasynq.clock import to_datetime
from pyasynq.wire.handled import Handled
from pyasynq.wire.message import TaskMessage
from pyasynq.wire.records import ServerRecord, WorkerRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveServer:
    """A server that is alive.

    Attributes:
        record: what it says about itself.
        handled: what it handles, as far as that is known.
        workers: what it runs, the longest first; only some of it, if that is much.
    """

    record: ServerRecord
    handled: Handled = field(default_factory=Handled)
    workers: tuple[WorkerRecord, ...] = ()

    @property
    def name(self) -> str:
        """Its host and process."""
        return f"{self.record.host}:{self.record.pid}"

    @property
    def fetches(self) -> bool:
        """Whether it takes tasks: it does not while it shuts down."""
        return self.record.status not in ("stopped", "closed")

    @property
    def free_slots(self) -> int:
        """How many more tasks it can run."""
        return max(0, self.record.concurrency - self.record.active_worker_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherQueue:
    """Another queue: how many tasks are pending there, and whether it is paused."""

    pending: int
    is_paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that was read about one task.

    Attributes:
        queue: the queue that was asked for.
        task_id: the task that was asked for.
        now_ns: the time of Redis.
        offset_ns: how far the clock of Redis is ahead of that of this machine.
        queues: the names of all queues.
        task: the task as it is stored.
        message: its message; None if there is none, or it cannot be read.
        damage: why its message cannot be read; empty if it can.
        stats: counts of the queue; None if they cannot be read.
        servers: those that are alive.
        worker: the record of the task at a server that runs it, and that server.
        others: other queues, by name, as far as they were read.
        elsewhere: other queues that have a task with this ID: name → state.
        near_ids: IDs of the queue that resemble this one, with the states in which they are listed.
        unread: what could not be read, and why; it is not known then.
        most_ids: how many IDs of a list were looked through.
    """

    queue: str = "mail"
    task_id: str = "a"
    now_ns: int = 0
    offset_ns: int = 0
    queues: Sequence[str] = ()
    task: PlacedTask = field(default_factory=PlacedTask)
    message: TaskMessage | None = None
    damage: str = ""
    stats: QueueStats | None = None
    servers: Sequence[LiveServer] = ()
    worker: tuple[LiveServer, WorkerRecord] | None = None
    others: Mapping[str, OtherQueue] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    near_ids: Sequence[tuple[str, str]] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    most_ids: int = MOST_IDS

    @property
    def now(self) -> datetime:
        """The time of Redis."""
        return to_datetime(self.now_ns)
