"""What must be read to find the tasks that match a filter."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from typing_extensions import override

from pyasynq.admin.filters.matching import pattern
from pyasynq.admin.filters.tree import AllOf, AnyOf, Filter, Not, Term
from pyasynq.broker.operations.task_lists import Content
from pyasynq.shown import shown
from pyasynq.task import TaskState

IN_THE_LIST = frozenset({"queue", "state", "id", "orphaned", "next"})
IN_THE_HASH = frozenset({"age", "since", "result"})  # beside the message


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The tasks of one queue in one state.

    Attributes:
        queue: the queue.
        state: the state.
        is_whole: whether all of them match.
    """

    queue: str
    state: TaskState
    is_whole: bool

    @property
    def address(self) -> tuple[str, TaskState]:
        """The queue and the state."""
        return self.queue, self.state

    @override
    def __str__(self) -> str:
        return f"{self.state.value} tasks of queue {shown(self.queue)!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where tasks that match may be.

    Attributes:
        places: what must be read, and nothing else.
        ids: the only IDs that can match; None if any can.
        group: the only group that can match, if a task is aggregating; None if any can.
    """

    places: tuple[Place, ...]
    ids: tuple[str, ...] | None = None
    group: str | None = None


def scope(query: Filter, queues: Iterable[str], states: Sequence[TaskState]) -> Scope:
    """Return what must be read.

    Args:
        query: the filter.
        queues: the queues that there are.
        states: those to look at, in this order.
    """
    places = [
        Place(queue=queue, state=state, is_whole=verdict is True)
        for queue in queues
        for state in states
        if (verdict := _verdict(query, queue, state)) is not False
    ]
    groups = _values(query, "group")
    return Scope(
        places=tuple(places),
        ids=_values(query, "id"),
        group=groups[0] if groups and len(groups) == 1 and groups[0] else None,
    )


def named_queues(query: Filter) -> tuple[str, ...]:
    """Return the queues that the filter names: only tasks of these can match; none for any."""
    return _values(query, "queue") or ()


def needs_lists(query: Filter) -> bool:
    """Return whether the filter asks since when a task is in its state, which only lists tell."""
    return not {"age", "since"}.isdisjoint(_fields(query))


def content_of(query: Filter) -> Content:
    """Return what must be read of each task to tell whether it matches."""
    fields = set(_fields(query))
    if fields & IN_THE_HASH:
        return "all"
    return "none" if fields <= IN_THE_LIST else "message"


def _fields(query: Filter) -> Iterator[str]:
    """Yield what a filter asks for; empty for a text, which may be anywhere."""
    match query:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _fields(part)
        case Not(part):
            yield from _fields(part)
        case Term(field=field):
            yield field
        case _:
            yield ""


def _verdict(query: Filter, queue: str, state: TaskState) -> bool | None:
    """Return whether tasks of a queue in a state match: all, none, or None for some."""
    match query:
        case AllOf(parts):
            each = [_verdict(part, queue, state) for part in parts]
            return False if False in each else None if None in each else True
        case AnyOf(parts):
            each = [_verdict(part, queue, state) for part in parts]
            return True if True in each else None if None in each else False
        case Not(part):
            verdict = _verdict(part, queue, state)
            return None if verdict is None else not verdict
        case Term(field="state", operator=operator, value=tuple(values)):
            return (state.value in values) is (operator != "!=")
        case Term(field="queue", operator=operator, value=tuple(values)):
            return _is_queue(operator, values, queue)
    return None


def _is_queue(operator: str, values: tuple[str, ...], queue: str) -> bool:
    match operator:
        case ":":
            return pattern(values).fullmatch(queue) is not None
        case "~":
            return values[0].lower() in queue.lower()
    return (queue in values) is (operator == "=")


def _values(query: Filter, field: str) -> tuple[str, ...] | None:
    """Return the only values of a field with which a task can match; None if there are others."""
    match query:
        case AllOf(parts):
            known = [found for part in parts if (found := _values(part, field)) is not None]
            return min(known, key=len, default=None)
        case AnyOf(parts):
            each = [_values(part, field) for part in parts]
            if any(found is None for found in each):
                return None
            return tuple(dict.fromkeys(value for found in each for value in found or ()))
        case Term(field=name, operator=":" | "=" as operator, value=tuple(values)) if name == field:
            is_wild = operator == ":" and any(char in each for each in values for char in "*?")
            return None if is_wild else tuple(dict.fromkeys(values))
    return None
