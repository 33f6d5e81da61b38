"""Logging with structlog: your lines, those of libraries and those of pyasynq in one form.

`configure` does all of it. Who configures structlog already takes `processors` from here. Needs the
extra ``structlog``.
"""

import logging
import sys
from typing import Any, Literal, get_args

try:
    import structlog
except ImportError as error:
    raise ImportError(
        "pyasynq.contrib.structlog needs structlog; run: pip install 'pyasynq[structlog]'"
    ) from error

from structlog.typing import EventDict, Processor
from typing_extensions import override

from pyasynq.errors import ConfigError
from pyasynq.wire.traceback_text import traceback_text
from pyasynq.worker.log_fields import FIELDS, add_task_fields, add_task_fields_to_event
from pyasynq.worker.log_lines import json_text

__all__ = ["Renderer", "configure", "processors", "render_exception"]

# What `processors` add to an event.
_ADDED = {"event", "level", "logger", "timestamp", "exception", "stack", "group", *FIELDS}

Renderer = Literal["auto", "console", "json"]


def configure(*, renderer: Renderer = "auto", level: str = "INFO") -> None:
    """Log with structlog, to stderr: what is logged with structlog and with `logging` alike.

    Lines that are logged while a task runs have its fields; see `pyasynq.TaskFields`. Call it where
    the App is made, so that `pyasynq worker`, `App.run` and processes of handlers all do. It
    replaces the handlers that the root logger of `logging` has; a second call replaces the first.

    Args:
        renderer: "console" for people, "json" for one object a line; "auto" for the first on a
            terminal, and else the second.
        level: of the least severe lines that are logged, such as "DEBUG".

    Raises:
        ConfigError: an argument is not known.
    """
    faults: list[str] = []
    if renderer not in get_args(Renderer):
        faults.append(f"renderer must be one of 'auto', 'console', 'json', not {renderer!r}")
    if str(level).upper() not in logging.getLevelNamesMapping():
        faults.append(f"level must be the name of a level, such as 'INFO', not {level!r}")
    ConfigError.raise_if(faults)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *processors()[:-1], _hand_over],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    is_console = renderer == "console" or (renderer == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *processors()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _console() if is_console else structlog.processors.JSONRenderer(_as_json),
            ],
        )
    )
    add_task_fields(handler)  # also of lines that another thread formats
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def processors() -> list[Processor]:
    """Return what goes before a renderer, for a configuration of your own.

    They add what was bound to context variables, the fields of the running task, the level, the
    name of the logger and the time in UTC, and render exceptions as pyasynq does. They are for
    loggers of `structlog.stdlib`, and for ``foreign_pre_chain`` as well.
    """
    return [
        structlog.contextvars.merge_contextvars,
        add_task_fields_to_event,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        render_exception,
    ]


def render_exception(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Write the traceback into ``exception``, without the frames of what runs handlers.

    Values of payloads are left out. A processor that takes the place of ``format_exc_info``.
    """
    raised = _raised(event.pop("exc_info", None))
    if raised is not None:
        text = traceback_text(raised)
        is_ours = str(event.get("logger")).startswith("pyasynq.")
        if "\n" in text or not is_ours:  # ours have told what an error without frames says
            event["exception"] = text
    return event


class _Event(dict[str, Any]):
    """An event as the message of a record: text for whoever reads that, such as Sentry."""

    @override
    def __str__(self) -> str:
        """Return the event, and what the caller has said with it."""
        own = (f" {name}={value!r}" for name, value in self.items() if name not in _ADDED)
        return f"{self.get('event', '')}{''.join(own)}"


def _hand_over(
    logger: object, method: str, event: EventDict
) -> tuple[tuple[_Event], dict[str, Any]]:
    """Hand an event to `logging`, as ``wrap_for_formatter`` does, with its exception as well."""
    raised = _raised(event.get("exc_info"))
    rendered = _Event(render_exception(logger, method, event))
    info = None if raised is None else (type(raised), raised, raised.__traceback__)
    return (rendered,), {"exc_info": info, "extra": {"_logger": logger, "_name": method}}


def _raised(info: Any) -> BaseException | None:
    """Return the exception of an ``exc_info``, of which there are several forms."""
    if isinstance(info, BaseException):
        return info
    found = info if isinstance(info, tuple) else sys.exc_info() if info else (None, None, None)
    return found[1] if isinstance(found[1], BaseException) else None


def _console() -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _as_json(event: dict[str, Any], **_options: Any) -> str:
    return json_text(event)
