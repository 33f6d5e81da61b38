"""How commands log: options, forms of a line, and what an application has set up itself."""

import json
import logging
import sys
from collections.abc import Callable, Mapping
from copy import copy
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, TypeVar

import click
import msgspec
from typing_extensions import override

from pyasynq.cli.debug import debug_option
from pyasynq.cli.terminal import wants_colours

F = TypeVar("F", bound=Callable[..., Any])

LEVELS = ("debug", "info", "warning", "error")
LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
TASK_LOG = "pyasynq.task"

_COLOURS = {"DEBUG": "2", "WARNING": "33", "ERROR": "31", "CRITICAL": "31;1"}
_OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a process logs.

    Attributes:
        level: of the least severe lines that are logged.
        form: of a line.
        is_asked_for: whether the command line asked for it: then it replaces what the application
            has set up.
        shows_tasks: log each start and end of a task, and the traceback of each failed attempt.
    """

    level: str = "info"
    form: Literal["text", "json"] = "text"
    is_asked_for: bool = False
    shows_tasks: bool = False


def log_options(function: F) -> F:
    """Add the options that `log_settings` reads, and ``--debug``."""
    for option in (
        debug_option,
        click.option("--quiet", is_flag=True, help="Log warnings and errors only."),
        click.option("-v", "--verbose", is_flag=True, help="Log everything: --log-level debug."),
        click.option(
            "--log-format",
            type=click.Choice(("text", "json"), case_sensitive=False),
            default="text",
            envvar="PYASYNQ_LOG_FORMAT",
            show_envvar=True,
            show_default=True,
            help="The form of a line; json has a field for each thing that a line is about.",
        ),
        click.option(
            "--log-level",
            type=click.Choice(LEVELS, case_sensitive=False),
            default="info",
            envvar="PYASYNQ_LOG_LEVEL",
            show_envvar=True,
            show_default=True,
            help="The least severe lines that are logged.",
        ),
    ):
        function = option(function)
    return function


def log_settings(given: Mapping[str, Any], *, shows_tasks: bool = False) -> LogSettings:
    """Return what the options of `log_options` say.

    Raises:
        click.UsageError: two of them contradict each other.
    """
    if given["quiet"] and given["verbose"]:
        raise click.UsageError("--quiet and --verbose contradict each other")
    level = "warning" if given["quiet"] else "debug" if given["verbose"] else given["log_level"]
    source = click.get_current_context().get_parameter_source
    named = ("quiet", "verbose", "log_level", "log_format")
    return LogSettings(
        level=level.lower(),
        form=given["log_format"],
        is_asked_for=any(source(each) is click.core.ParameterSource.COMMANDLINE for each in named),
        shows_tasks=shows_tasks and not given["quiet"],
    )


def set_up(settings: LogSettings, handler: logging.Handler | None = None) -> None:
    """Log as *settings* say, unless the application has set logging up and nothing was asked for.

    Call it when the application is loaded.

    Args:
        handler: where to log; stderr if not given.
    """
    root = logging.getLogger()
    if root.handlers and not settings.is_asked_for:
        return
    handler = handler or logging.StreamHandler(sys.stderr)
    stream = getattr(handler, "stream", None)
    handler.setFormatter(JsonLine() if settings.form == "json" else TextLine(stream))
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    if settings.shows_tasks:
        logging.getLogger(TASK_LOG).setLevel(logging.DEBUG)


class TextLine(logging.Formatter):
    """A line for people; its level has a colour if *stream* is a terminal that wants colours."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(LINE)
        self._is_coloured = stream is not None and wants_colours(stream)

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        if record.exc_text is not None and "\n" not in record.exc_text:
            record = copy(record)  # an error without frames, which the line has told
            record.exc_info = record.exc_text = None
        line = super().format(record)
        colour = _COLOURS.get(record.levelname)
        if not self._is_coloured or colour is None:
            return line
        head, separator, rest = line.partition("\n")
        return f"\x1b[{colour}m{head}\x1b[0m{separator}{rest}"


class JsonLine(logging.Formatter):
    """A line for machines: a JSON object with the fields of the record, all on one line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {
            name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD
        }
        if record.exc_info:
            fields["traceback"] = record.exc_text or self.formatException(record.exc_info)
        return json.dumps(fields, default=str)
