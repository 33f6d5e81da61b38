"""``--watch``: shows the same again and again, until Ctrl-C, also while Redis is away."""

import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from pyasynq.admin.spans import moment
from pyasynq.cli.output import note
from pyasynq.clock import SystemClock, to_datetime
from pyasynq.errors import RedisUnavailableError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


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


def show_again(seconds: int | None, read: Callable[[], T], show: Callable[[T], None]) -> None:
    """Read and show something once, or with *seconds* again and again.

    A terminal is cleared before. If Redis goes away meanwhile, the last that was read stays there,
    and since when it is stale is told on stderr; the first time, that is an error.
    """
    if seconds is None:
        show(read())
        return
    found = read()
    since = _now()
    is_stale = False
    while True:
        if not is_stale:
            _clear()
            show(found)
            sys.stdout.flush()
        time.sleep(seconds)
        try:
            found = read()
        except RedisUnavailableError as error:
            if not is_stale:
                note(f"stale since {moment(since)}: {error.reason}; trying again until Ctrl-C")
            is_stale = True
            continue
        if is_stale and not sys.stdout.isatty():
            note("redis is back")
        since, is_stale = _now(), False


def _clear() -> None:
    if sys.stdout.isatty():
        click.clear()


def _now() -> datetime:
    return to_datetime(SystemClock().now_ns())
