"""Logs what goes wrong with tasks: logger ``pyasynq.task``.

A failed attempt is one WARNING; the last one, after which the task is archived, is an ERROR with
the traceback of the user's frames. At level DEBUG every failure has its traceback, and each start
and end of a task is a line. Success costs nothing otherwise.

    resize[5f0c2a1b] failed, attempt 1 of 4, again in 1.3 s: ValueError: too wide [app.py:14]

Each line has fields (`extra`): task_id, task_type, queue, attempt, max_retry, outcome, error.
"""

import logging
from functools import partial
from typing import Any, Literal

from pyasynq.clock import NANOSECONDS, Clock
from pyasynq.errors import HandlerNotFoundError
from pyasynq.shown import shown
from pyasynq.wire.error_text import DEADLINE_EXCEEDED, LONGEST_ERROR_BYTES, error_text
from pyasynq.wire.message import TaskMessage, clean_text
from pyasynq.wire.source_line import source_line
from pyasynq.wire.traceback_text import traceback_text
from pyasynq.worker.attempt.outcome import (
    TOO_LATE,
    WORDS,
    Archived,
    Cancelled,
    Dropped,
    Lost,
    Outcome,
    Retried,
)
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.floods import Floods
from pyasynq.worker.log_lines import LONGEST_NAME_BYTES, task_fields, task_name

logger = logging.getLogger("pyasynq.task")

LogFailures = Literal["all", "archived", "none"]


class TaskLog:
    """The log of one server; used on its event loop only.

    Args:
        log_failures: "all", "archived" for the last attempts only, or "none".
    """

    def __init__(self, clock: Clock, log_failures: LogFailures = "all") -> None:
        self._clock = clock
        self._log_failures = log_failures
        self._floods = Floods(clock)

    @property
    def is_verbose(self) -> bool:
        """Whether each start and end of a task is logged."""
        return logger.isEnabledFor(logging.DEBUG)

    def on_start(self, running: RunningTask) -> None:
        """Log that a handler is about to run; for a verbose log."""
        fields = task_fields(running.task_id, running.queue, running.message)
        logger.debug("%s started", task_name(running.message.type, running.task_id), extra=fields)

    def on_outcome(self, running: RunningTask, outcome: Outcome) -> None:
        """Log what became of a task, once that is in Redis; for a verbose log."""
        after_s = (self._clock.redis_now_ns() - running.started_ns) / NANOSECONDS
        fields = task_fields(running.task_id, running.queue, running.message)
        logger.debug(
            "%s %s after %s",
            task_name(running.message.type, running.task_id),
            WORDS[type(outcome)],
            _span(after_s),
            extra=fields | {"outcome": WORDS[type(outcome)], "seconds": after_s},
        )

    def failed(
        self,
        task_id: str,
        queue: str,
        message: TaskMessage,
        outcome: Outcome,
        error: BaseException,
    ) -> None:
        """Log a failed attempt, when what becomes of its task is decided."""
        is_last = isinstance(outcome, Archived)
        level = _level(outcome)
        if self._log_failures == "none" or (self._log_failures == "archived" and not is_last):
            return
        if level > logging.DEBUG and self._is_flooded(message.type, error, level):
            return
        name = task_name(message.type, task_id)
        text = f"{name} {self._description(message, outcome)}: {_reason(error)}"
        fields = task_fields(task_id, queue, message)
        fields |= {"outcome": WORDS[type(outcome)], "error": _short(error_text(error))}
        if is_last or self.is_verbose:
            _log_with_traceback(level, text, error, fields)
        else:
            logger.log(level, "%s", text, extra=fields)

    def _description(self, message: TaskMessage, outcome: Outcome) -> str:
        attempt = f"attempt {message.retried + 1} of {message.retry + 1}"
        if isinstance(outcome, Retried):
            again_s = max(0, outcome.at_ns - self._clock.redis_now_ns()) / NANOSECONDS
            if outcome.deferred:
                return f"asked to run later, again in {_span(again_s)}"
            counted = "" if outcome.is_failure else " (not counted)"
            return f"failed{counted}, {attempt}, again in {_span(again_s)}"
        if isinstance(outcome, Archived):
            is_late = outcome.error.endswith(TOO_LATE)
            why = " because no retry would be before its deadline" if is_late else ""
            return f"failed, {attempt}, archived{why}"
        if isinstance(outcome, Cancelled):
            return f"was cancelled, {attempt}"
        if isinstance(outcome, Lost):
            return f"lost its lease, {attempt}; another worker may run it"
        return f"was dropped, {attempt}"

    def _is_flooded(self, task_type: str, error: BaseException, level: int) -> bool:
        """Count a line; return whether it is one too many in this second."""
        key = task_type, type(error).__name__
        return self._floods.is_flooded(key, partial(_sum_up, *key, level))


def _sum_up(task_type: str, kind: str, level: int, count: int) -> None:
    logger.log(
        level,
        "%d more tasks of type %r failed with %s in the last second",
        count,
        shown(task_type),
        kind,
        extra={"task_type": clean_text(task_type, LONGEST_NAME_BYTES), "count": count},
    )


def _level(outcome: Outcome) -> int:
    if isinstance(outcome, Archived):
        return logging.ERROR
    if isinstance(outcome, Retried) and outcome.deferred:
        return logging.DEBUG
    if isinstance(outcome, Dropped | Lost):  # of lost leases the heartbeater has logged a line
        return logging.DEBUG
    return logging.INFO if isinstance(outcome, Cancelled) else logging.WARNING


def _reason(error: BaseException) -> str:
    text = _short(error_text(error))
    if isinstance(error, HandlerNotFoundError):
        return f"{text}; does the worker import the module that registers it?"
    if text != DEADLINE_EXCEEDED:
        return text
    place = "" if error.__cause__ is None else source_line(error.__cause__)
    return f"its time was up [{place}]" if place else "its time was up"


def _short(text: str) -> str:
    return clean_text(text, LONGEST_ERROR_BYTES)


def _span(seconds: float) -> str:
    if seconds < 0.9995:  # noqa: PLR2004 - what is not rounded to 1 s
        return f"{seconds * 1000:.{0 if seconds >= 0.01 else 1}f} ms"  # noqa: PLR2004 - 10 ms
    return f"{seconds:.1f} s" if seconds < 600 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - 10 min


def _log_with_traceback(
    level: int, text: str, error: BaseException, fields: dict[str, Any]
) -> None:
    """Log *error* whole for tools, and as text without the frames of what runs handlers."""
    if logger.isEnabledFor(level):
        info = type(error), error, error.__traceback__
        line = logger.makeRecord(logger.name, level, __file__, 0, "%s", (text,), info, extra=fields)
        lines = traceback_text(error).splitlines()
        line.exc_text = "\n".join(map(_short, lines))
        logger.handle(line)
