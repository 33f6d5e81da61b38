"""How commands log: options, forms of a line, and what an application has set up itself."""

import io
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

import click
import msgspec

from pyasynq.cli.debug import debug_option
from pyasynq.cli.terminal import wants_colours
from pyasynq.worker.log_fields import add_task_fields
from pyasynq.worker.log_lines import JsonLine, TextLine

F = TypeVar("F", bound=Callable[..., Any])

LEVELS = ("debug", "info", "warning", "error")
TASK_LOG = "pyasynq.task"


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

    Lines that are logged below a handler of a task get the fields of that task in any case. Call
    this when the application is loaded.

    Args:
        handler: where to log; stderr if not given.
    """
    root = logging.getLogger()
    if root.handlers and not settings.is_asked_for:
        add_task_fields()
        return
    handler = handler or logging.StreamHandler(sys.stderr)
    stream = getattr(handler, "stream", None)
    is_coloured = stream is not None and wants_colours(stream)
    is_json = settings.form == "json"
    handler.setFormatter(JsonLine() if is_json else TextLine(is_coloured=is_coloured))
    add_task_fields(handler)
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    if settings.shows_tasks:
        logging.getLogger(TASK_LOG).setLevel(logging.DEBUG)


def show_lines_at_once() -> None:
    """Let what an application prints be seen line by line, also where no terminal reads it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
