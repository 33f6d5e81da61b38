"""What somebody wants to be done to many tasks, and what they must type first. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyasynq.admin.filters import Filter, Term, all_of, parse
from pyasynq.admin.jobs import MOST_PER_SECOND, Preview, with_margin
from pyasynq.inspector import Change, TaskRef
from pyasynq.options import name_fault
from pyasynq.task import TaskState
from pyasynq.web.access.roles import Action
from pyasynq.web.refusal import Refusal

MOST_NAMED = 10_000  # tasks that one job is given by their IDs
MOST_UNASKED = 1000  # deletions that need nothing typed
MOST_LIMIT = 2**53
TOLERANCE = 0.1  # tasks come and go, and a count may be reckoned from a part of them


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What is to be done, and to which tasks: of a filter, of a queue, or named ones.

    Attributes:
        change: what to do.
        query: a filter; None if the tasks are given in another way.
        queue: every task of this queue in one state; empty if the tasks are given otherwise.
        state: the state, with *queue*.
        group: the group, if these tasks are aggregating; every group if not given.
        tasks: the tasks that are named, at most 10,000. One with a state stays as it is in another.
        limit: how many tasks to change; all if not given.
        per_second: how many tasks a second; as many as possible if not given.
    """

    change: Change
    query: str | None = None
    queue: str = ""
    state: TaskState | None = None
    group: str | None = None
    tasks: tuple[TaskRef, ...] = ()
    limit: int | None = None
    per_second: int | None = None

    @property
    def action(self) -> Action:
        """What a visitor must be allowed to do."""
        verb = self.change.verb
        return "drop" if verb == "cancel" and self.change.then == "drop" else verb

    @property
    def is_deleting(self) -> bool:
        """Whether the tasks are gone afterwards."""
        return self.action in ("delete", "drop")

    def filter(self) -> Filter | None:
        """Return which tasks are meant; None if they are named.

        Raises:
            FilterError: there is a mistake in the filter.
            Refusal: something else of the request is wrong.
        """
        if fault := next(filter(None, self._faults()), None):
            raise Refusal(400, fault)
        if self.query is not None:
            return parse(self.query)
        return None if self.state is None else place_filter(self.queue, self.state, self.group)

    def _faults(self) -> Iterator[str | None]:
        ways = (self.query is not None, bool(self.queue or self.state), bool(self.tasks))
        if sum(ways) != 1:
            yield "say which tasks: give either query, or queue and state, or tasks"
        if self.query is not None and not self.query.strip():
            yield "say which tasks: an empty query means every task; state:archived means some"
        if bool(self.queue) != (self.state is not None):
            yield "give queue and state together"
        if self.queue:
            yield name_fault("queue", self.queue)
        if self.group is not None and self.state is not TaskState.AGGREGATING:
            yield "only tasks that are aggregating are in a group; leave group out"
        if len(self.tasks) > MOST_NAMED:
            yield f"at most {MOST_NAMED:,} tasks can be named; use a filter"
        for each in self.tasks:
            yield name_fault("task_id", each.id) or name_fault("queue", each.queue)
        yield _number_fault("limit", self.limit, MOST_LIMIT)
        yield _number_fault("per_second", self.per_second, MOST_PER_SECOND)


def place_filter(queue: str, state: TaskState | None, group: str | None = None) -> Filter:
    """Return the filter of the tasks of a queue, in a state and a group if these are given."""
    given = {"queue": queue, "state": state.value if state else None, "group": group}
    return all_of(Term(name, "=", (value,)) for name, value in given.items() if value is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPreview:
    """What a job would change.

    Attributes:
        found: where tasks match, how many, and some of them.
        count: how many the job would change.
        limit: how many it would change at most; None for any number.
        confirm: what must be typed before it begins: the name of the queue, or how many tasks
            there are if they are of several queues, or may be; empty for nothing.
    """

    found: Preview
    count: int
    limit: int | None
    confirm: str


def preview_of(request: JobRequest, found: Preview, most: int | None) -> JobPreview:
    """Return what a job would change.

    Args:
        request: what is wanted.
        found: the tasks that match.
        most: how many tasks one job may change; None for any number.
    """
    limit = smallest(request.limit, most)
    count = found.count if limit is None else min(found.count, limit)
    queues = {each.queue for each in found.places}
    confirm = ""
    if request.is_deleting and count > MOST_UNASKED:
        confirm = next(iter(queues)) if len(queues) == 1 else str(count)
    return JobPreview(found=found, count=count, limit=limit, confirm=confirm)


def is_confirmed(preview: JobPreview, typed: str) -> bool:
    """Return whether somebody has typed what they must.

    A count may be a tenth wrong, since tasks come and go.
    """
    if not preview.confirm or typed == preview.confirm:
        return True
    is_count = len({each.queue for each in preview.found.places}) > 1
    number = _typed_number(typed)
    if not is_count or number is None:
        return False
    return abs(number - preview.count) <= preview.count * TOLERANCE


def most_confirmed(preview: JobPreview, typed: str) -> int:
    """Return how many tasks may be deleted: about as many as were counted, or as was typed."""
    if not preview.confirm:
        return MOST_UNASKED
    is_name = typed == preview.confirm
    number = None if is_name else _typed_number(typed)
    return with_margin(preview.count if number is None else number)


def smallest(*limits: int | None) -> int | None:
    """Return the smallest limit; None if there is none."""
    return min((each for each in limits if each is not None), default=None)


def _typed_number(typed: str) -> int | None:
    digits = typed.replace(",", "").replace(" ", "")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= len("9" * 19)
    return int(digits) if is_number else None


def _number_fault(name: str, given: int | None, most: int) -> str | None:
    is_number = isinstance(given, int) and not isinstance(given, bool)
    if given is None or (is_number and 1 <= given <= most):
        return None
    return f"{name} must be a whole number from 1 to {most:,}"
