"""The types of the values of options."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem
from typing_extensions import override

from pyasynq.cli.live_words import group_names, queue_names
from pyasynq.errors import PayloadError
from pyasynq.spelling import nearest
from pyasynq.task import TaskState
from pyasynq.wire.go_duration import parse_duration

F = TypeVar("F", bound=Callable[..., Any])


class GoDuration(click.ParamType[timedelta]):
    """A duration in Go's form, or a number of seconds."""

    name = "duration"

    @override
    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        """Read ``1h30m``, ``1.5s`` or ``90``."""
        try:
            return timedelta(seconds=float(value))
        except (ValueError, OverflowError):
            pass
        try:
            return timedelta(microseconds=parse_duration(value) / 1000)
        except PayloadError as error:
            self.fail(str(error), param, ctx)


class Moment(click.ParamType[datetime]):
    """A moment in RFC 3339 form."""

    name = "time"

    @override
    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        """Read ``2030-01-31T12:00:00Z``."""
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time; write it as 2030-01-31T12:00:00Z", param, ctx)
        if moment.utcoffset() is None:
            self.fail(f"{value!r} has no time zone; end it with Z or +02:00", param, ctx)
        return moment


class Header(click.ParamType[tuple[str, str]]):
    """A header, as name=value."""

    name = "name=value"

    @override
    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        """Read ``name=value``."""
        name, separator, text = value.partition("=")
        if not separator:
            self.fail(f"{value!r} is not a header; write it as name=value", param, ctx)
        return name, text


class QueueName(click.ParamType[str]):
    """The name of a queue; where it is missing, how to find it."""

    name = "text"

    @override
    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        return "`pyasynq queue ls` shows all queues; `pyasynq task search` looks in all of them"


class State(click.ParamType[TaskState]):
    """A state of tasks, one of those that a command takes."""

    name = "state"

    def __init__(self, states: Sequence[TaskState]) -> None:
        self.states = states

    @override
    def convert(self, value: Any, param: Any, ctx: Any) -> TaskState:
        """Read ``pending``."""
        words = [each.value for each in self.states]
        word = str(value).lower()
        if word not in words:
            self.fail(self._fault(word, words), param, ctx)
        return TaskState(word)

    @override
    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [
            CompletionItem(each.value)
            for each in self.states
            if each.value.startswith(incomplete.lower())
        ]

    @override
    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        return f"It is one of {', '.join(each.value for each in self.states)}"

    @override
    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "STATE"

    def _fault(self, word: str, words: Sequence[str]) -> str:
        if word in list(TaskState):
            return f"tasks that are {word} do not allow this; it takes {', '.join(words)}"
        near = nearest(word, words)
        hint = f"did you mean {near!r}?" if near else f"it must be one of {', '.join(words)}"
        return f"{word!r} is not a state; {hint}"


def queue_option(function: F) -> F:
    """Add ``-q/--queue``, which must be given."""
    return click.option(
        "-q",
        "--queue",
        required=True,
        type=QueueName(),
        shell_complete=queue_names,
        help="The queue.",
    )(function)


def queues_argument(function: F) -> F:
    """Add names of queues as arguments; the function gets ``queues``."""
    return click.argument("queues", nargs=-1, metavar="QUEUE...", shell_complete=queue_names)(
        function
    )


def any_queue_option(function: F) -> F:
    """Add ``-q/--queue``, which tasks that are named need; a filter looks in every queue else."""
    return click.option("-q", "--queue", help="The queue; IDs need it.")(function)


def group_option(function: F) -> F:
    """Add ``-g/--group``."""
    return click.option(
        *("-g", "--group"),
        shell_complete=group_names,
        help="The group, of tasks that are aggregating.",
    )(function)


def state_option(*states: TaskState, required: bool = True) -> Callable[[F], F]:
    """Return ``-s/--state``, which must be one of *states*."""
    words = ", ".join(each.value for each in states)
    return click.option(
        "-s",
        "--state",
        required=required,
        type=State(states),
        help=f"One of {words}." if required else f"One of {words}; all of them if not given.",
    )


def hex_option(function: F) -> F:
    """Add ``--hex``."""
    return click.option(
        "--hex", "as_hex", is_flag=True, help="Show payloads that are no text as hexadecimal."
    )(function)


def ids_argument(function: F) -> F:
    """Add IDs as arguments, and as Go's ``-i/--id``; the function gets ``ids``."""

    @wraps(function)
    def with_ids(*args: Any, ids: tuple[str, ...], more_ids: tuple[str, ...], **others: Any) -> Any:
        return function(*args, ids=(*more_ids, *ids), **others)

    option = click.option(
        "-i", "--id", "more_ids", metavar="ID", multiple=True, help="An ID, as in Go."
    )
    argument = click.argument("ids", nargs=-1, metavar="ID...")
    return option(argument(with_ids))  # type: ignore[return-value]  # it takes what F takes
