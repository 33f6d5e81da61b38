"""The option for tracebacks in full, and how commands show them."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from pyasynq.debug import DEBUG_VARIABLE

F = TypeVar("F", bound=Callable[..., Any])


def debug_option(function: F) -> F:
    """Add ``--debug``, which holds for this process and all that it starts."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        envvar=DEBUG_VARIABLE,
        show_envvar=True,
        callback=_turn_on,
        help="Show the traceback of every error, with the frames of pyasynq, asyncio and click.",
    )(function)


def show_traceback(error: BaseException) -> None:
    """Write the traceback of *error* to stderr."""
    from pyasynq.wire.traceback_text import traceback_text  # noqa: PLC0415 - only after an error

    click.echo(traceback_text(error), err=True)


def _turn_on(_context: click.Context, _option: click.Parameter, is_given: bool) -> None:
    if is_given:
        os.environ[DEBUG_VARIABLE] = "1"
