"""A task to enqueue, and what is known about a task that was enqueued."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NoReturn

from typing_extensions import override

from pyasynq.errors import ConfigError, EnqueueError
from pyasynq.options import EMPTY, EnqueueOptions, headers_fault, name_fault


class NoHeaders(dict[str, str]):
    """No headers: one empty dict for all tasks, which nobody can fill.

    It is copied and pickled as itself. What `dataclasses.asdict` makes of it is a dict of its own.
    """

    def __new__(cls, *items: Any) -> Any:
        """Return the dict of *items* if they are given, else no headers."""
        return dict(*items) if items else super().__new__(cls)

    def _refuse(self, *_given: object, **_more: object) -> NoReturn:
        raise TypeError("the headers of a task cannot be changed; make a task with other headers")

    __setitem__ = __ior__ = setdefault = update = _refuse

    @override
    def __reduce__(self) -> str:
        return "NO_HEADERS"


NO_HEADERS = NoHeaders()

_NONE = [None]  # the usual result of the checks: one of them was made and found nothing


class TaskState(StrEnum):
    """The state of a task; the value is the text stored in Redis."""

    ACTIVE = "active"
    PENDING = "pending"
    SCHEDULED = "scheduled"
    RETRY = "retry"
    ARCHIVED = "archived"
    COMPLETED = "completed"
    AGGREGATING = "aggregating"


@dataclass(frozen=True, slots=True)
class Task:
    """A unit of work: a type, which selects the handler, and a payload for the handler.

    Attributes:
        type: free text that is not blank; ``noun:verb`` is the convention.
        payload: bytes, or None for no payload. None and empty bytes differ only in their unique
            locks; a handler sees empty bytes for both.
        headers: text to text, stored beside the payload.
        options: how to enqueue it, unless the call overrides them.

    Raises:
        ConfigError: the type is blank, the payload is not bytes, the headers do not map text to
            text, or the options are not `EnqueueOptions`.
    """

    type: str
    payload: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS, kw_only=True)
    options: EnqueueOptions = field(default=EMPTY, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        faults = [name_fault("task type", self.type)]
        if self.headers is not NO_HEADERS:
            faults.append(headers_fault(self.headers))
        if self.payload is not None and not isinstance(self.payload, bytes):
            faults.append(
                f"payload must be bytes or None, not {type(self.payload).__name__}; "
                "encode it, or use a typed task of App"
            )
        if not isinstance(self.options, EnqueueOptions):
            faults.append(f"options must be EnqueueOptions, not {type(self.options).__name__}")
        if faults != _NONE:
            ConfigError.raise_if(faults)

    @override
    def __hash__(self) -> int:  # without the headers and options, which may have no hash
        return hash((self.type, self.payload))


def stored_task(task_type: str, payload: bytes, headers: Mapping[str, str]) -> Task:
    """Return a task as it was stored, even if its type would be refused for a new one.

    Other clients store blank and very long types; the worker must be able to handle them.
    """
    task = object.__new__(Task)
    _set_type(task, task_type)
    _set_payload(task, payload)
    _set_headers(task, headers)
    _set_options(task, EMPTY)
    return task


def bound_task(task_type: str, payload: bytes | None, options: EnqueueOptions) -> Task:
    """Return a task of a type that was checked when its function was registered."""
    draft = TaskDraft()
    draft.type = task_type
    draft.payload = payload
    draft.headers = NO_HEADERS
    draft.options = options
    draft.__class__ = Task
    task: Task = draft
    return task


# Setters of the slots: `stored_task` is called once per task, so it must cost little.
_set_type, _set_payload, _set_headers, _set_options = (
    vars(Task)[name].__set__ for name in ("type", "payload", "headers", "options")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInfo:
    """A task as it stood in Redis at one moment.

    Attributes:
        id: unique in its queue.
        queue: the queue.
        type: the task type.
        payload: the stored bytes; empty if there was no payload.
        headers: text to text.
        state: where the task was.
        max_retry: how often it may be retried.
        retried: how often it was retried.
        last_error: text of the last failure; empty if there was none.
        last_failed_at: when it last failed, in whole seconds; None if it did not.
        timeout: limit of one attempt; None if there is none.
        deadline: the time at which every attempt ends; None if there is none.
        group: name of its group; empty if it has none.
        next_process_at: when it is due, if it is scheduled, retry or pending.
        is_orphaned: whether it is active, but its lease is over, since its worker is gone.
        retention: for how long it is kept once completed; zero for not at all.
        completed_at: when it was completed, in whole seconds; None if it was not.
        result: what its handler wrote or returned; None for nothing.
    """

    id: str
    queue: str
    type: str
    payload: bytes
    headers: Mapping[str, str]
    state: TaskState
    max_retry: int
    retried: int = 0
    last_error: str = ""
    last_failed_at: datetime | None = None
    timeout: timedelta | None = None
    deadline: datetime | None = None
    group: str = ""
    next_process_at: datetime | None = None
    is_orphaned: bool = False
    retention: timedelta = timedelta(0)
    completed_at: datetime | None = None
    result: bytes | None = None

    @property
    def attempt(self) -> int:
        """The attempt that runs, or comes next, or was the last one; from 1."""
        return self.retried + 1

    @override
    def __hash__(self) -> int:  # without the headers, which have no hash
        return hash((self.queue, self.id, self.state, self.retried))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a handler said that it is; see `TaskContext.progress`.

    Attributes:
        done: how much is done, in units of the handler's own.
        total: how much there is; None if that is not known.
        note: what the handler does, for people; empty for nothing.
        attempt: the attempt that said so, from 1; a later one may have begun since.
        at: when it said so.
    """

    done: float
    total: float | None = None
    note: str = ""
    attempt: int
    at: datetime

    @property
    def fraction(self) -> float | None:
        """The part that is done, from 0 to 1; None if the total is not known."""
        if self.total is None:
            return None
        return min(1.0, self.done / self.total) if self.total else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueueResult:
    """What became of one task of `enqueue_many`: either *info* or *error* is None.

    Attributes:
        info: the task as it was stored.
        error: why it was not stored.
    """

    info: TaskInfo | None = None
    error: EnqueueError | None = None


def draft_of(kind: type[Any]) -> Any:
    """Return a mutable class with the fields of a frozen dataclass that has slots.

    ``draft.__class__ = TaskInfo`` turns a full draft into a TaskInfo. A frozen dataclass sets each
    of its fields by a call: a TaskInfo takes 4.1 µs, its draft 0.7.
    """
    names = [each.name for each in fields(kind)]
    return type(f"{kind.__name__}Draft", (), {"__slots__": names})


TaskDraft, InfoDraft, ResultDraft = map(draft_of, (Task, TaskInfo, EnqueueResult))
