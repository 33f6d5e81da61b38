"""The options that say by a filter which tasks are meant."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from pyasynq.cli.confirm import dry_run_option, yes_option
from pyasynq.cli.value_types import State
from pyasynq.task import TaskState

if TYPE_CHECKING:
    from pyasynq.admin.filters import Filter

F = TypeVar("F", bound=Callable[..., Any])

NAMES = ("state", "task_type", "error", "older_than", "query", "limit", "rate", "dry_run", "yes")
LONGEST_SHOWN = 500  # characters of a query that is shown with its mistake


class Filtering(NamedTuple):
    """What was given to say which tasks are meant, and how to treat them.

    Attributes:
        states, task_type, error, older_than, query: what the tasks must match.
        limit: how many at most; None for all.
        rate: how many a second; None for as many as possible.
        dry_run: only show them.
        yes: do not ask.
    """

    states: Sequence[TaskState]
    task_type: str | None
    error: str | None
    older_than: str | None
    query: str | None
    limit: int | None
    rate: int | None
    dry_run: bool
    yes: bool

    @property
    def has_filter(self) -> bool:
        """Whether anything says which tasks are meant."""
        given = (self.states, self.task_type, self.error, self.older_than, self.query)
        return any(each not in (None, ()) for each in given)

    @property
    def given(self) -> list[str]:
        """The options that make no sense for tasks that are named."""
        each = {
            "--state": bool(self.states),
            "--type": self.task_type is not None,
            "--error": self.error is not None,
            "--older-than": self.older_than is not None,
            "--query": self.query is not None,
            "--limit": self.limit is not None,
            "--rate": self.rate is not None,
            "--dry-run": self.dry_run,
        }
        return [name for name, is_given in each.items() if is_given]


def filter_options(*states: TaskState) -> Callable[[F], F]:
    """Return options that replace IDs; the function gets ``filtering``.

    Args:
        states: those that the command takes.
    """

    def add(function: F) -> F:
        @wraps(function)
        def with_filter(*args: Any, **others: Any) -> Any:
            fields = {name: others.pop(name) for name in NAMES}
            fields["states"] = fields.pop("state")
            return function(*args, filtering=Filtering(**fields), **others)

        made: Any = with_filter
        for option in (
            yes_option,
            dry_run_option,
            click.option("--rate", type=click.IntRange(min=1), help="At most so many a second."),
            click.option("--limit", type=click.IntRange(min=1), help="At most so many tasks."),
            click.option("--query", metavar="FILTER", help="See `task search --help`."),
            click.option("--older-than", metavar="AGE", help="For so long in its state: 1h, 7d."),
            click.option("--error", help="Text of the last failure; * is any text."),
            click.option("--type", "task_type", help="Task type; * is any text, as in 'email:*'."),
            click.option(
                "-s", "--state", type=State(states), multiple=True, help="May be given again."
            ),
        ):
            made = option(made)
        return made  # type: ignore[no-any-return]  # it takes what F takes

    return add


def filter_of(filtering: Filtering, queue: str | None) -> "Filter":
    """Return the filter that the options mean.

    Raises:
        click.UsageError: there is a mistake in it.
    """
    from pyasynq.admin.filters import Term, all_of  # noqa: PLC0415 - IDs do not need it

    parts: list[Filter] = []
    if queue is not None:
        parts.append(Term("queue", "=", (queue,)))
    if filtering.states:
        parts.append(Term("state", ":", tuple(each.value for each in filtering.states)))
    if filtering.task_type is not None:
        parts.append(Term("type", ":", (filtering.task_type,)))
    if filtering.error is not None:
        is_wild = any(char in filtering.error for char in "*?")
        parts.append(Term("error", ":" if is_wild else "~", (filtering.error,)))
    if filtering.older_than is not None:
        parts.append(Term("age", ">", _age(filtering.older_than)))
    if filtering.query is not None:
        parts.append(parsed(filtering.query))
    return all_of(parts)


def parsed(query: str) -> "Filter":
    """Return the filter that a text stands for.

    Raises:
        click.UsageError: there is a mistake; the error shows where.
    """
    from pyasynq.admin.filters import parse  # noqa: PLC0415 - IDs do not need it
    from pyasynq.errors import FilterError  # noqa: PLC0415

    try:
        return parse(query)
    except FilterError as error:
        text = str(error)
        if len(query) <= LONGEST_SHOWN and query.isprintable():
            text += f"\n\n    {query}\n    {' ' * (error.column - 1)}^"
        raise click.UsageError(text) from error


def _age(text: str) -> timedelta:
    from pyasynq.admin.filters.values import read_span  # noqa: PLC0415 - IDs do not need it

    try:
        return read_span(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--older-than") from error
