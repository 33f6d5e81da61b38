"""``--watch``: shows the same again and again, until Ctrl-C."""

import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def watch_option(function: F) -> F:
    """Add ``--watch``, which may have a number of seconds."""
    return click.option(
        "--watch",
        type=click.IntRange(min=1, max=86_400),
        is_flag=False,
        flag_value=2,
        metavar="[SECONDS]",
        help="Show it again every 2 seconds, or as many, until Ctrl-C.",
    )(function)


def show_again(seconds: int | None, show: Callable[[], None]) -> None:
    """Show something once, or with *seconds* again and again; a terminal is cleared before."""
    while seconds is not None:
        if sys.stdout.isatty():
            click.clear()
        show()
        sys.stdout.flush()
        time.sleep(seconds)
    show()
