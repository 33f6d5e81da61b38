"""The fields of the running task in every line that is logged below a handler.

They come from the context variable of the running task, in the thread or process that logs, and
only when a line is logged. What a line says itself is never overwritten.
"""

import logging
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from typing_extensions import override

from pyasynq.tracing import current_trace
from pyasynq.wire.message import clean_text
from pyasynq.worker.handlers.context import aggregated_here, context_here, running_of
from pyasynq.worker.log_lines import LONGEST_NAME_BYTES, task_fields

FIELDS = ("task_id", "task_type", "queue", "attempt", "max_retry", "trace_id", "span_id")
OF_A_TASK = ("task_id", "task_type")  # a line with one of them says itself which task it is about

# W3C Trace Context: version, trace ID, ID of the caller's span, flags, and what later versions add.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-.*")


class TaskFields(logging.Filter):
    """A filter for handlers of `logging` that adds the fields of the running task to each line.

    The fields are ``task_id``, ``task_type``, ``queue``, ``attempt``, ``max_retry``, and
    ``trace_id`` and ``span_id`` if the task has a trace; in an aggregator ``queue`` and ``group``.
    A field that a line has already is left as it is; a line with a ``task_id`` or a ``task_type``
    of its own is about another task, and gets no more than the trace. Every line passes.

    In ``dictConfig``: ``"filters": {"task": {"()": "pyasynq.TaskFields"}}``. It belongs to
    handlers, not to loggers, whose filters do not see the lines of other loggers; before a queue,
    to the `QueueHandler`.

    Args:
        placeholder: what the fields are outside of handlers, for formats such as
            ``%(task_id)s``; None for no fields there.
    """

    def __init__(self, placeholder: str | None = None) -> None:
        super().__init__()
        self.placeholder = placeholder

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields to *record*; return True."""
        fields = vars(record)
        _add(fields)
        if self.placeholder is not None:
            for name in FIELDS:
                fields.setdefault(name, self.placeholder)
        return True


def add_task_fields(
    handler: logging.Handler | None = None, *, placeholder: str | None = None
) -> None:
    """Add the fields of the running task to each line that a handler of `logging` writes.

    Call it once, when logging is set up; a second call changes nothing. `pyasynq worker` and
    `pyasynq dev` do it by themselves. See `TaskFields` for the fields.

    Args:
        handler: of `logging`; all handlers that the root logger has now, if not given.
        placeholder: what the fields are outside of handlers of tasks; None for no fields there.
    """
    for each in logging.getLogger().handlers if handler is None else [handler]:
        if not any(isinstance(present, TaskFields) for present in each.filters):
            each.addFilter(TaskFields(placeholder))


def add_task_fields_to_event(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the fields of the running task to an event of structlog; a processor.

    It belongs before the processor that renders: ``structlog.configure(processors=[...,
    pyasynq.add_task_fields_to_event, JSONRenderer()])``. See `TaskFields` for the fields.
    """
    _add(event)
    return event


def _add(fields: MutableMapping[str, Any]) -> None:
    """Add what is known about the running task; never raises, never overwrites."""
    context = context_here()
    if context is None:
        _add_group(fields)
        return
    running = running_of(context)
    message = running.message
    if not any(name in fields for name in OF_A_TASK):
        own = task_fields(running.leased.task_id, running.keys.queue, message)
        for name, value in own.items():
            fields.setdefault(name, value)
    _add_trace(fields, message.headers)


def _add_group(fields: MutableMapping[str, Any]) -> None:
    aggregated = aggregated_here()
    if aggregated is None:
        return
    if not any(name in fields for name in OF_A_TASK):
        queue, group = aggregated
        fields.setdefault("queue", queue)
        fields.setdefault("group", clean_text(group, LONGEST_NAME_BYTES))
    _add_trace(fields, {})


def _add_trace(fields: MutableMapping[str, Any], headers: Mapping[str, str]) -> None:
    """Add the trace and the span of whoever logs, or else the trace that the task came with."""
    if "trace_id" in fields or "span_id" in fields:
        return
    trace = current_trace()
    if trace is not None:
        fields.update(trace._asdict())
        return
    found = _TRACEPARENT.fullmatch(headers.get("traceparent") or headers.get("Traceparent") or "")
    if found is not None:
        fields["trace_id"] = found[1]
