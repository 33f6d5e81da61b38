"""The settings of the history of tasks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from pyasynq.errors import ConfigError
from pyasynq.options import Duration
from pyasynq.worker.setting import Flag, Function, Span, Whole

Redact = Callable[[str], str]
"""Returns what may be stored of the text of an error, or of a traceback."""

MOST_ATTEMPTS = 1000
MOST_TASKS = 1_000_000
LARGEST_TRACEBACK = 65_536

_REDACT = Function()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskHistory:
    """Let a server keep the last attempts of each task in Redis: `ServerConfig(task_history=…)`.

    The attempts are written in batches, about once a second. While Redis does not take them, the
    latest 10,000 wait, at most 16 MiB; what is more is dropped, counted, and told in a line of the
    log. No task waits for its history, or fails for it.

    Attributes:
        attempts: how many are kept of each task.
        keep: for how long they are kept after the last one.
        keep_deleted: the same for a task that is done and deleted, since it has no retention, or
            that was dropped; 0: the attempt that ends so is not kept.
        tasks: of how many tasks of each queue attempts are kept; those that would be deleted first
            give way first.
        traceback_size: of a traceback, so many bytes at its end are kept; 0: none is. Of one task
            type and kind of error, at most 20 tracebacks are kept in a second.
        redact: is given the text of each error and each traceback, and returns what may be stored;
            all is stored if None. If it fails, nothing is.

    Raises:
        ConfigError: names every wrong setting.
    """

    attempts: int = 20
    keep: Duration = timedelta(days=7)
    keep_deleted: Duration = timedelta(hours=1)
    tasks: int = 10_000
    traceback_size: int = 8192
    redact: Redact | None = None

    def __post_init__(self) -> None:
        ConfigError.raise_if(
            [
                *Whole(1, MOST_ATTEMPTS).faults("attempts", self.attempts),
                *Span(1.0).faults("keep", self.keep),
                *Span().faults("keep_deleted", self.keep_deleted),
                *Whole(1, MOST_TASKS).faults("tasks", self.tasks),
                *Whole(0, LARGEST_TRACEBACK, unit="bytes").faults(
                    "traceback_size", self.traceback_size
                ),
                *_REDACT.faults("redact", self.redact),
            ]
        )


class History(msgspec.Struct, frozen=True):
    """A kind of setting: a TaskHistory, or None for none."""

    @property
    def read(self) -> Callable[[str], Any]:
        """Reads true or false: a history with its defaults, or none."""
        return lambda text: TaskHistory() if Flag().read(text) else None

    def faults(self, name: str, value: object) -> Iterator[str]:
        """Yield what is wrong with *value*."""
        if value is not None and not isinstance(value, TaskHistory):
            yield f"{name} must be a TaskHistory or None, not {value!r}; write TaskHistory()"
