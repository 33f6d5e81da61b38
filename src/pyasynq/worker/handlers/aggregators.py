"""Which function aggregates a group: by its name, else by the longest pattern."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TypedDict, TypeVar

import msgspec

from pyasynq.errors import ConfigError
from pyasynq.functions.form import form_fault
from pyasynq.functions.redefinition import is_redefined
from pyasynq.options import Duration, name_fault
from pyasynq.spelling import hint
from pyasynq.task import Task
from pyasynq.worker.setting import Span, Whole

Aggregate = Callable[[str, list[Task]], Awaitable[Task | None] | Task | None]
"""(group, its tasks) → the one task in their place, or None to drop them.

The oldest task is the first; those of one second come in the order of their IDs.
"""

A = TypeVar("A", bound=Aggregate)

MOST_MEMBERS = 500  # of one aggregate

GRACE_PERIOD = Span(1.0)  # asynq v0.26 server.go: a shorter grace period is refused
MAX_DELAY = Span(1.0, may_be_zero=True)
MAX_SIZE = Whole(0, MOST_MEMBERS)
_LIMITS: dict[str, Span | Whole] = {
    "grace_period": GRACE_PERIOD,
    "max_delay": MAX_DELAY,
    "max_size": MAX_SIZE,
}


class Aggregation(msgspec.Struct, frozen=True, kw_only=True):
    """A function that aggregates groups, and when a group is due; None: the setting of the server.

    Attributes:
        pattern: a group, or a pattern with ``*``, ``?`` and ``[…]``.
        function: a coroutine function, or a plain one, which runs in a thread.
        grace_period: a group is due once nothing was added for this long; at least 1 s,
            rounded up to whole seconds.
        max_delay: a group is due once its oldest member has waited for this long; 0: no limit.
        max_size: a group is due once it has this many members, from 1 to 500, and no aggregate
            has more; 0: no limit but 500.

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
        faults.append(form_fault("an aggregator", self.function, "def aggregator(group, tasks)", 2))
        for name, kind in _LIMITS.items():
            if (value := getattr(self, name)) is not None:
                faults += kind.faults(name, value)
        ConfigError.raise_if(faults)


class GroupLimits(TypedDict, total=False):
    """When a group is due; see `Aggregation`."""

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
        """Register *aggregation*; a function that is defined again replaces its old version.

        Raises:
            ConfigError: its pattern is taken.
        """
        for each in [each for each in self._longest_first if each.pattern == aggregation.pattern]:
            if not is_redefined(each.function, aggregation.function):
                raise ConfigError(f"groups {aggregation.pattern!r} have an aggregator already")
            self._longest_first.remove(each)
        self._longest_first.append(aggregation)
        self._longest_first.sort(key=lambda each: len(each.pattern), reverse=True)

    def register(self, pattern: str, limits: GroupLimits) -> Callable[[A], A]:
        """Return a decorator that registers a function for *pattern*; see `add`.

        Raises:
            ConfigError: the pattern is no text, such as the function itself, of a decorator without
                parentheses; or a limit is unknown.
        """
        if callable(pattern):
            raise ConfigError(
                'an aggregator needs a pattern of groups; write `@app.aggregator("digest:*")`'
            )
        ConfigError.raise_if([name_fault("pattern of groups", pattern), *_unknown(limits)])

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


def _unknown(limits: Iterable[str]) -> Iterator[str]:
    for name in limits:
        if name not in _LIMITS:
            yield f"unknown limit {name!r}; {hint(name.removeprefix('group_'), _LIMITS, {})}"
