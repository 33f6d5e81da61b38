"""Which function aggregates a group: by its name, else by the longest pattern."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TypedDict, TypeVar

import msgspec

from pyasynq.errors import ConfigError
from pyasynq.options import Duration, duration_fault, name_fault
from pyasynq.task import Task

Aggregate = Callable[[str, list[Task]], Awaitable[Task | None] | Task | None]
"""(group, its tasks) → the one task in their place, or None to drop them.

The oldest task is the first; those of one second come in the order of their IDs.
"""

A = TypeVar("A", bound=Aggregate)

MOST_MEMBERS = 500  # of one aggregate


class Aggregation(msgspec.Struct, frozen=True, kw_only=True):
    """A function that aggregates groups, and when a group is due; None: as the server says.

    Attributes:
        pattern: a group, or a pattern with ``*``, ``?`` and ``[…]``.
        function: a coroutine function, or a plain one, which runs in a thread.
        grace_period: a group without a new member for so long is due; whole seconds, at least 1.
        max_delay: a group whose oldest member waits for so long is due; 0: no limit.
        max_size: a group of so many members is due, and no aggregate has more, from 1 to 500;
            0: no limit but 500.

    Raises:
        ConfigError: names every fault.
    """

    pattern: str
    function: Aggregate
    grace_period: Duration | None = None
    max_delay: Duration | None = None
    max_size: int | None = None

    def __post_init__(self) -> None:
        faults = [name_fault("pattern of groups", self.pattern)]
        if not callable(self.function):
            faults.append(f"an aggregator must be callable, not {self.function!r}")
        if self.grace_period is not None:
            faults.append(grace_period_fault("grace_period", self.grace_period))
        if self.max_delay is not None:
            faults.append(max_delay_fault("max_delay", self.max_delay))
        if self.max_size is not None:
            faults.append(max_size_fault("max_size", self.max_size))
        ConfigError.raise_if(faults)


class GroupLimits(TypedDict, total=False):
    """When a group is due, as of `Aggregation`."""

    grace_period: Duration | None
    max_delay: Duration | None
    max_size: int | None


class Aggregations:
    """Functions by pattern."""

    def __init__(self) -> None:
        self._longest_first: list[Aggregation] = []

    def __len__(self) -> int:
        return len(self._longest_first)

    def add(self, aggregation: Aggregation) -> None:
        """Register *aggregation*.

        Raises:
            ConfigError: its pattern is taken.
        """
        if any(each.pattern == aggregation.pattern for each in self._longest_first):
            raise ConfigError(f"groups {aggregation.pattern!r} have an aggregator already")
        self._longest_first.append(aggregation)
        self._longest_first.sort(key=lambda each: len(each.pattern), reverse=True)

    def register(self, pattern: str, limits: GroupLimits) -> Callable[[A], A]:
        """Return a decorator that registers a function for *pattern*. As `add`."""

        def register(function: A) -> A:
            self.add(Aggregation(pattern=pattern, function=function, **limits))
            return function

        return register

    def find(self, group: str) -> Aggregation | None:
        """Return what aggregates *group*; None if nothing does."""
        for each in self._longest_first:
            if each.pattern == group:
                return each
        for each in self._longest_first:
            if fnmatchcase(group, each.pattern):
                return each
        return None

    def all(self) -> tuple[Aggregation, ...]:
        """Return every aggregation, the longest pattern first."""
        return tuple(self._longest_first)


def grace_period_fault(what: str, value: object) -> str | None:
    """Return what is wrong with a grace period; None if it is good."""
    # asynq v0.26 server.go: a grace period below a second is refused.
    return duration_fault(what, value, minimum=timedelta(seconds=1))


def max_delay_fault(what: str, value: object) -> str | None:
    """Return what is wrong with a longest delay; None if it is good."""
    if value == 0:
        return None
    return duration_fault(what, value, minimum=timedelta(seconds=1))


def max_size_fault(what: str, value: object) -> str | None:
    """Return what is wrong with a largest size; None if it is good."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number and isinstance(value, int) and 0 <= value <= MOST_MEMBERS:
        return None
    return f"{what} must be a whole number from 0 to {MOST_MEMBERS}, not {value!r}"
