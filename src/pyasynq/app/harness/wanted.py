"""What a test says about a task that was, or was not, to be enqueued: pure comparison and texts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from typing_extensions import override

from pyasynq.app.definition import TaskDefinition
from pyasynq.app.harness.enqueued import DecodeArguments, EnqueuedTask
from pyasynq.errors import ConfigError
from pyasynq.options import EnqueueOptions, OptionKeywords, to_seconds, to_timedelta
from pyasynq.task import Task, TaskState

AnyTask = Task | TaskDefinition[..., Any] | str
"""A call such as ``send_welcome.bind(42)``; a task, whatever its arguments; or a task type."""

MOST_LINES = 12
LONGEST_TEXT = 120


class Enqueued(NamedTuple):
    """A task as it was enqueued, and when, by the clock of the test."""

    task: EnqueuedTask
    at: datetime


class Wanted:
    """A task that a test asks for.

    Args:
        task: what it is; None for any task.
        options: with which options it was enqueued, as far as the test says.
        decode: makes arguments of payloads.

    Raises:
        ConfigError: *task* is something else, or an option is wrong or cannot be compared.
    """

    def __init__(
        self, task: AnyTask | None, options: OptionKeywords, decode: DecodeArguments
    ) -> None:
        if task is not None and not isinstance(task, Task | TaskDefinition | str):
            raise ConfigError(
                "ask for a task such as send_welcome.bind(42), for send_welcome with any "
                f"arguments, or for a task type, not for {type(task).__name__}"
            )
        if "unique_key" in options:
            raise ConfigError("redis does not keep unique_key; compare unique alone")
        self._options = EnqueueOptions.from_keywords(options)
        self._given = {name: value for name, value in options.items() if value is not None}
        self._task = task
        self._payload: bytes | None = None
        self.arguments: Mapping[str, Any] = {}
        if isinstance(task, Task):
            self._payload = task.payload or b""
            self.arguments = decode(task.type, self._payload)

    def is_type_of(self, task: EnqueuedTask) -> bool:
        """Whether *task* has the type that is asked for."""
        if isinstance(self._task, TaskDefinition):
            return self._task.handles(task.type)
        return self._task is None or task.type == self._type

    def differences(self, enqueued: Enqueued) -> list[str]:
        """Return how a task of this type differs from what is asked for; empty: it does not."""
        found = list(self._other_arguments(enqueued.task))
        for name, value in self._given.items():
            wanted, is_there = self._compared(name, value, enqueued)
            if wanted != is_there:
                found.append(f"{name} is {_short(is_there)}, not {_short(wanted)}")
        return found

    @property
    def _type(self) -> str:
        return self._task if isinstance(self._task, str) else self._task.type if self._task else ""

    def _other_arguments(self, task: EnqueuedTask) -> Iterator[str]:
        if self._payload is None or task.payload == self._payload:
            return
        if not self.arguments and not task.arguments:
            yield f"payload is {_short(task.payload)}, not {_short(self._payload)}"
        for name in {**self.arguments, **task.arguments}:
            wanted, is_there = self.arguments.get(name, _NONE), task.arguments.get(name, _NONE)
            if wanted != is_there:
                yield f"{name} is {_short(is_there)}, not {_short(wanted)}"

    def _compared(self, name: str, value: Any, enqueued: Enqueued) -> tuple[Any, Any]:
        """Return what is wanted of an option, and what is there, so that they can be compared."""
        options, at = enqueued.task.options, enqueued.at
        is_there = getattr(options, name)
        delay = timedelta(0) if options.process_at is None else options.process_at - at
        compared: tuple[Any, Any]
        match name:
            case "process_in":
                compared = to_timedelta(value), delay
            case "unique":  # the lock lasts until the task may run, and then as long as was given
                compared = _whole_seconds(to_timedelta(value) + delay), is_there
            case "timeout" | "retention":
                compared = _whole_seconds(to_timedelta(value)), is_there or timedelta(0)
            case "deadline":
                compared = value.replace(microsecond=0), is_there
            case "expires" if not isinstance(value, datetime):
                compared = at + to_timedelta(value), is_there
            case "headers":
                there = is_there or {}
                compared = dict(value), {each: there.get(each) for each in value}
            case _:
                compared = value, is_there
        return compared

    @override
    def __str__(self) -> str:
        options = [f"{name}={_short(value)}" for name, value in self._given.items()]
        if isinstance(self._task, Task):
            call = call_text(self._type, self.arguments, self._payload or b"")
        else:
            call = self._type or "a task"
        return f"{call} with {', '.join(options)}" if options else call


def matching(wanted: Wanted, log: Sequence[Enqueued]) -> list[EnqueuedTask]:
    """Return the tasks that are as a test wants them, in the order in which they were enqueued."""
    return [
        each.task for each in log if wanted.is_type_of(each.task) and not wanted.differences(each)
    ]


def listing(wanted: Wanted, log: Sequence[Enqueued]) -> str:
    """Return what was enqueued instead, a task a line: those of the right type first."""
    if not log:
        return "nothing was enqueued"
    ordered = sorted(log, key=lambda each: not wanted.is_type_of(each.task))
    lines = [_line(wanted, each) for each in ordered[:MOST_LINES]]
    if len(ordered) > MOST_LINES:
        lines.append(f"and {len(ordered) - MOST_LINES} more")
    return "what was enqueued:\n  " + "\n  ".join(lines)


def call_text(task_type: str, arguments: Mapping[str, Any], payload: bytes) -> str:
    """Return a task as a call: ``send_welcome(user=42)``."""
    if not arguments and payload:
        return f"{task_type} with payload {_short(payload)}"
    return f"{task_type}({', '.join(f'{name}={_short(arguments[name])}' for name in arguments)})"


def times_text(times: int) -> str:
    """Return how often, in words."""
    return {0: "never", 1: "once", 2: "twice"}.get(times, f"{times} times")


class _Absent:
    """What is not there."""

    @override
    def __repr__(self) -> str:
        return "not there"


_NONE = _Absent()


def _line(wanted: Wanted, enqueued: Enqueued) -> str:
    task = enqueued.task
    text = f"{call_text(task.type, task.arguments, task.payload)}, queue {task.queue!r}"
    if task.state is TaskState.SCHEDULED and task.due_at is not None:
        text += f", due in {to_seconds(task.due_at - enqueued.at):g} s"
    if task.options.group:
        text += f", group {task.options.group!r}"
    differences = wanted.differences(enqueued) if wanted.is_type_of(task) else []
    return f"{text}: {'; '.join(differences)}" if differences else text


def _whole_seconds(span: timedelta) -> timedelta:
    return timedelta(seconds=math.ceil(span.total_seconds()))


def _short(value: object) -> str:
    text = f"{value.total_seconds():g} s" if isinstance(value, timedelta) else repr(value)
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
