"""Asks before much is changed, and refuses where nobody can be asked."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from pyasynq.cli.output import note

F = TypeVar("F", bound=Callable[..., Any])


def yes_option(function: F) -> F:
    """Add ``-y/--yes``."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(function)


def dry_run_option(function: F) -> F:
    """Add ``--dry-run``."""
    return click.option(
        "--dry-run", is_flag=True, help="Show what would be changed, and change nothing."
    )(function)


def is_confirmed(what: str, *, yes: bool) -> bool:
    """Return whether the user wants it.

    Args:
        what: the question, without its mark.
        yes: whether that was said before.

    Raises:
        click.UsageError: nobody can be asked.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError("this needs --yes where nobody can be asked; --dry-run shows more")
    if click.confirm(f"{what}?", err=True):
        return True
    note("Nothing was changed.")
    return False
