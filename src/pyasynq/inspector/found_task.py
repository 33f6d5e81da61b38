"""A task as a walk has found it, of which only what is asked for is decoded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyasynq.broker.decoding import exact_due_ns, whole
from pyasynq.broker.operations.inspection import StoredTask
from pyasynq.broker.operations.task_lists import Content, ListedTask
from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.errors import PayloadError
from pyasynq.inspector.infos import is_over
from pyasynq.inspector.pages import DamagedTask, shown_task
from pyasynq.task import TaskInfo, TaskState
from pyasynq.wire.message import TaskMessage, decode, peek_type

WAITING = (TaskState.SCHEDULED, TaskState.RETRY)
ONLY_LISTED = (TaskState.PENDING, TaskState.ARCHIVED, TaskState.AGGREGATING)
"""States of which the message of a task does not tell since when it is in them."""


class FoundTask:
    """A task as it was found in a list.

    A million of them can be looked at because only what is asked for is decoded, and most are
    ruled out by their type or their ID. Times are nanoseconds since the epoch, None if there is
    none or it is not known.

    Args:
        queue: the queue.
        state: the state in which it is listed.
        listed: what is stored.
        now_ns: when it was read.

    Raises:
        PayloadError: from every attribute that is in the message, if that cannot be read.
    """

    __slots__ = ("_listed", "_message", "_now_ns", "id", "queue", "state")

    def __init__(self, queue: str, state: TaskState, listed: ListedTask, now_ns: int) -> None:
        self.id: str = listed.task_id
        self.queue: str = queue
        self.state: TaskState = state
        self._listed = listed
        self._now_ns = now_ns
        self._message: TaskMessage | None = None

    @property
    def message(self) -> TaskMessage:
        """Its message, decoded at the first use.

        Raises:
            PayloadError: it cannot be read, or there is none.
        """
        found = self._message
        if found is None:
            data = self._listed.data
            if not data:
                raise PayloadError("there is no such task" if data is None else "no message")
            found = self._message = decode(data)
        return found

    @property
    def type(self) -> str:
        """The task type; read without decoding the rest of the message."""
        data = self._listed.data
        return (peek_type(data) if data else None) or self.message.type

    @property
    def payload(self) -> bytes:
        """The stored bytes."""
        return self.message.payload

    @property
    def result(self) -> bytes:
        """The stored bytes; empty for none."""
        return self._listed.result or b""

    @property
    def headers(self) -> Mapping[str, str]:
        """Text to text."""
        return self.message.headers

    @property
    def group(self) -> str:
        """Name of its group; empty if it has none."""
        return self.message.group_key

    @property
    def last_error(self) -> str:
        """Text of the last failure; empty if there was none."""
        return self.message.error_msg

    @property
    def retried(self) -> int:
        """How often it was retried."""
        return self.message.retried

    @property
    def max_retry(self) -> int:
        """How often it may be retried."""
        return self.message.retry

    @property
    def is_orphaned(self) -> bool:
        """Whether it is active, but its lease is over."""
        return self.state is TaskState.ACTIVE and is_over(self._listed.score, self._now_ns)

    @property
    def since_ns(self) -> int | None:
        """When it came into its state; not known of active and scheduled tasks."""
        match self.state:
            case TaskState.PENDING:
                return self._listed.pending_since_ns
            case TaskState.ARCHIVED | TaskState.AGGREGATING:
                score = self._listed.score
                return None if score is None else whole(score) * NANOSECONDS
            case TaskState.RETRY:
                return self.failed_ns
            case TaskState.COMPLETED:
                return self.completed_ns
        return None

    @property
    def due_ns(self) -> int | None:
        """When it is due, if it is scheduled, retry or pending."""
        if self.state is TaskState.PENDING:
            return self._now_ns
        if self.state in WAITING and self._listed.due_ns is None:
            return exact_due_ns(self._listed.score, None)
        return self._listed.due_ns

    @property
    def failed_ns(self) -> int | None:
        """When it last failed."""
        return self.message.last_failed_at * NANOSECONDS or None

    @property
    def completed_ns(self) -> int | None:
        """When it was completed."""
        return self.message.completed_at * NANOSECONDS or None

    @property
    def deadline_ns(self) -> int | None:
        """When every attempt ends."""
        return self.message.deadline * NANOSECONDS or None

    def shown(self) -> TaskInfo | DamagedTask:
        """Return all of it as users see it."""
        return shown_task(self.queue, self._listed, self.state, self._now_ns)


def since(tasks: Sequence[FoundTask]) -> Mapping[str, datetime]:
    """Return when tasks came into their state, by their ID, as far as that is known."""
    moments = ((each.id, each.since_ns) for each in tasks)
    return {task_id: to_datetime(since_ns) for task_id, since_ns in moments if since_ns}


def found_alone(queue: str, task_id: str, stored: object, now_ns: int) -> FoundTask | None:
    """Return a task that was read by its ID; None if there is none, or its state is unknown."""
    if not isinstance(stored, StoredTask):
        return None
    try:
        state = TaskState(stored.state)
    except ValueError:
        return None
    listed = ListedTask(
        task_id=task_id,
        data=stored.data,
        state=stored.state,
        result=stored.result,
        score=stored.lease_s,
        due_ns=stored.due_ns,
        pending_since_ns=stored.pending_since_ns,
    )
    return FoundTask(queue, state, listed, now_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChunk:
    """What one step of a walk has found.

    Attributes:
        tasks: in the order of the walk.
        cursor: give it to the next step; None at the end.
        size: how many IDs the list has that these are from.
        content: what was read of each task; see `walk`.
        cursors: returns the cursor after some of the tasks.
    """

    tasks: Sequence[FoundTask]
    cursor: str | None
    size: int = 0
    content: Content = "all"
    cursors: Callable[[int], str] | None = None

    def cursor_after(self, count: int) -> str | None:
        """Return the cursor of a step that begins behind the first *count* tasks."""
        if count == len(self.tasks) or self.cursors is None:
            return self.cursor
        return self.cursors(count)
