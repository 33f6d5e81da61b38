"""Tasks in the order in which they are listed, and what keeps some of them from being shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import overload

from typing_extensions import override

from pyasynq.broker.operations.task_lists import ListedTask
from pyasynq.errors import ConfigError, PayloadError
from pyasynq.inspector.infos import listed_info
from pyasynq.task import TaskInfo, TaskState

LARGEST_PAGE = 1000  # tasks of a page; it is read in steps
MOST_AT_ONCE = 500  # tasks in one round trip


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedTask:
    """An ID that is listed in a queue, but whose task is gone or cannot be read.

    Attributes:
        id: the ID.
        queue: the queue.
        state: the state in which it is listed.
        reason: what is wrong with it.
    """

    id: str
    queue: str
    state: TaskState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage(Sequence[TaskInfo]):
    """A page of tasks, which is also the sequence of them.

    Attributes:
        tasks: those that can be read, in order.
        damaged: those that cannot; they are part of the page, but not of *tasks*.
        total: how many IDs are listed in this state, or in this group.
        page: the number of the page, from 1.
        page_size: how many IDs a page has.
        since: by ID, when tasks that are pending, archived or aggregating came into that state, as
            far as it is known.
    """

    tasks: tuple[TaskInfo, ...]
    damaged: tuple[DamagedTask, ...]
    total: int
    page: int
    page_size: int
    since: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def has_more(self) -> bool:
        """Whether there is a next page."""
        return self.page * self.page_size < self.total

    @overload
    def __getitem__(self, index: int) -> TaskInfo: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[TaskInfo]: ...

    @override
    def __getitem__(self, index: int | slice) -> TaskInfo | Sequence[TaskInfo]:
        return self.tasks[index]

    @override
    def __len__(self) -> int:
        return len(self.tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What a search has found so far.

    Attributes:
        tasks: those that match, in the order in which they were read.
        damaged: IDs whose tasks are gone or cannot be read.
        scanned: how many IDs were looked at by this call.
        cursor: give it to the next call to go on; None at the end.
    """

    tasks: tuple[TaskInfo, ...]
    damaged: tuple[DamagedTask, ...]
    scanned: int
    cursor: str | None


def shown_task(
    queue: str, listed: ListedTask, state: TaskState, now_ns: int
) -> TaskInfo | DamagedTask:
    """Return a listed task as users see it."""
    try:
        return listed_info(queue, listed, state, now_ns)
    except PayloadError as error:
        return DamagedTask(id=listed.task_id, queue=queue, state=state, reason=str(error))


def sorted_out(
    found: Iterable[TaskInfo | DamagedTask],
) -> tuple[tuple[TaskInfo, ...], tuple[DamagedTask, ...]]:
    """Return the tasks that can be read, and the others."""
    each = list(found)
    return (
        tuple(task for task in each if isinstance(task, TaskInfo)),
        tuple(task for task in each if isinstance(task, DamagedTask)),
    )


def check_page(page: object, page_size: object) -> None:
    """Raise a ConfigError if a page has a wrong number or size."""
    ConfigError.raise_if(
        [
            whole_number_fault("page", page, most=2**53),
            whole_number_fault("page_size", page_size, most=LARGEST_PAGE),
        ]
    )


def whole_number_fault(what: str, value: object, *, most: int) -> str | None:
    """Return what is wrong with a number that must be from 1 to *most*; None if it is good."""
    if isinstance(value, bool) or not isinstance(value, int):
        return f"{what} must be a whole number, not {type(value).__name__}"
    return None if 1 <= value <= most else f"{what} must be from 1 to {most}, not {value}"
