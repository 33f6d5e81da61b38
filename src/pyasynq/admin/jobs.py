"""What is done to many tasks: how many there are, how far it is, and what became of it. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pyasynq.admin.filters import AllOf, AnyOf, Filter, Not, Term
from pyasynq.admin.findings import STATES
from pyasynq.errors import (
    ConfigError,
    PayloadError,
    PyasynqError,
    TaskNotFoundError,
    TaskStateError,
)
from pyasynq.inspector.changes import Change, TaskRef
from pyasynq.inspector.found_task import FoundTask
from pyasynq.shown import LONGEST_ERROR, shown
from pyasynq.task import TaskInfo, TaskState

MOST_FAILURES = 100  # of those that a result names
AT_ONCE = 500  # tasks that are changed in one round trip
MOST_PER_SECOND = 1_000_000
LEAST_MARGIN = 10  # tasks; see `with_margin`
UNASKED = (TaskState.COMPLETED,)  # a completed task is run or archived again only if that is said


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCount:
    """How many tasks of one queue in one state match.

    Attributes:
        queue, state: where.
        count: how many.
        is_estimated: whether that is reckoned from those that were looked at; the others may match
            even if the count is 0.
        scanned: how many tasks were looked at.
        size: how many tasks there are.
    """

    queue: str
    state: TaskState
    count: int
    is_estimated: bool = False
    scanned: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What somebody has agreed to, having seen a preview: a job goes no further.

    Attributes:
        places: the queues and states in which it may change tasks.
        most: it stops when so many are changed.
    """

    places: frozenset[tuple[str, TaskState]]
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a job would change.

    Attributes:
        places: where tasks match, and how many; also where none was found among those that were
            looked at, if these were not all.
        sample: some of them.
        scanned: how many tasks were looked at.
        broken: what could not be read at all, and why.
    """

    places: tuple[PlaceCount, ...]
    sample: tuple[TaskInfo, ...]
    scanned: int
    broken: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many tasks match."""
        return sum(each.count for each in self.places)

    @property
    def is_estimated(self) -> bool:
        """Whether the count is reckoned, since not every task was looked at."""
        return any(each.is_estimated for each in self.places)

    def bounds(self, most: int) -> Bounds:
        """Return the bounds of a job to which somebody agrees who has seen this.

        Args:
            most: how many tasks it may change.
        """
        return Bounds(places=frozenset((each.queue, each.state) for each in self.places), most=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A task that could not be changed, and why."""

    queue: str
    id: str
    reason: str


@dataclass(slots=True, kw_only=True)
class JobResult:
    """What a job has done so far; `on_progress` gets it after each chunk.

    Attributes:
        done: how many tasks were changed.
        changed_meanwhile: how many were not, since they were in another state by then, or gone.
        failed: how many could not be changed for another reason.
        failures: the first 100 of these.
        scanned: how many tasks were looked at.
        total: how many there were to look at, at the beginning; or how many were given.
        is_cancelled: whether it was asked to stop before the end.
        stopped_by: who or what asked for that; empty if nobody said so.
        is_capped: whether it ended since nobody has agreed to more; more tasks may match.
        broken: what could not be read at all, and why.
    """

    done: int = 0
    changed_meanwhile: int = 0
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)
    scanned: int = 0
    total: int = 0
    is_cancelled: bool = False
    stopped_by: str = ""
    is_capped: bool = False
    broken: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """How many tasks were to be changed."""
        return self.done + self.changed_meanwhile + self.failed

    def count(self, tasks: Sequence[TaskRef], outcomes: Iterable[PyasynqError | None]) -> None:
        """Add what became of *tasks*."""
        for task, outcome in zip(tasks, outcomes, strict=True):
            if outcome is None:
                self.done += 1
            elif task.state is not None and isinstance(outcome, TaskNotFoundError | TaskStateError):
                self.changed_meanwhile += 1
            else:
                self.fail(task, outcome)

    def fail(self, task: TaskRef, error: PyasynqError) -> None:
        """Add a task that could not be changed."""
        self.failed += 1
        if len(self.failures) < MOST_FAILURES:
            reason = shown(str(error), LONGEST_ERROR)
            self.failures.append(Failure(queue=task.queue, id=task.id, reason=reason))


OnJobProgress = Callable[[JobResult], object]


def states_of(change: Change, query: Filter) -> tuple[TaskState, ...]:
    """Return the states in which a job looks for tasks.

    Completed tasks are run or archived only if the filter names their state.
    """
    allowed = [state for state in STATES if state.value in change.allowed]
    named = _names_state(query)
    is_open = change.verb in ("run", "archive") and not named
    return tuple(state for state in allowed if not (is_open and state in UNASKED))


def check_allowed(change: Change, where: Sequence[object], elsewhere: Sequence[object]) -> None:
    """Raise a ConfigError if tasks match, but only in states that do not allow the change.

    Args:
        change: what to do.
        where: the places with tasks that may match, in the states that allow it.
        elsewhere: those in any state.
    """
    if elsewhere and not where:
        names = ", ".join(change.allowed)
        raise ConfigError(f"{change.verb} takes tasks that are {names}; the filter means others")


def is_done(task: FoundTask, change: Change, started_ns: int, at_ns: int | None) -> bool:
    """Return whether the job itself has brought a task to where it is found.

    A task that was run may fail at once; it would be run again and again. One that was rescheduled
    is found once more at its new place.

    Args:
        task: the task.
        change: what the job does.
        started_ns: when it began.
        at_ns: to when it reschedules tasks.
    """
    match change.verb:
        case "reschedule":
            is_there = task.state in (TaskState.SCHEDULED, TaskState.RETRY)
            return is_there and task.due_ns == at_ns
        case "run":
            try:
                return (task.since_ns or 0) > started_ns
            except PayloadError:
                return False
    return False


def estimated(matching: int, scanned: int, size: int) -> int:
    """Return how many of *size* tasks match if that many of those that were looked at do."""
    return matching if not scanned else max(matching, round(matching * size / scanned))


def with_margin(count: int) -> int:
    """Return how many tasks may be changed if somebody has agreed to *count* of them.

    It is a tenth more, since tasks come and go, and a count may be reckoned from a part of them.
    """
    return count + max(LEAST_MARGIN, -(-count // 10))


def _names_state(query: Filter) -> bool:
    match query:
        case AllOf(parts) | AnyOf(parts):
            return any(map(_names_state, parts))
        case Not(part):
            return _names_state(part)
        case Term(field=name):
            return name == "state"
    return False
