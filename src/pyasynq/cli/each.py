"""One thing after the other: what fails keeps no other from being tried."""

import sys
from collections.abc import Callable, Sequence

import click

from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.cli.exit_codes import PARTLY, exit_code
from pyasynq.cli.inspecting import suggested
from pyasynq.cli.output import note
from pyasynq.errors import PyasynqError, QueueNotFoundError
from pyasynq.inspector import Inspector


def do_each(inspector: Inspector, names: Sequence[str], action: Callable[[str], str]) -> int:
    """Do something with each name; return the exit code.

    Args:
        inspector: knows what a mistyped queue may mean.
        names: what to do it with.
        action: does it, and returns what to print.
    """
    errors: list[PyasynqError] = []
    for name in names:
        try:
            click.echo(action(name))
        except PyasynqError as error:
            if concerns_redis_as_a_whole(error) or len(names) == 1:
                raise
            if isinstance(error, QueueNotFoundError):
                note(f"Error: {suggested(error, inspector)}")
            else:
                note(f"Error: {error}")
            errors.append(error)
    if not errors:
        return 0
    return exit_code(errors[0]) if len(errors) == len(names) else PARTLY


def named(given: Sequence[str], what: str) -> list[str]:
    """Return names of the command line, of which ``-`` stands for the lines of stdin.

    Raises:
        click.UsageError: there is none.
    """
    names: list[str] = []
    for name in given:
        names += _lines() if name == "-" else [name]
    if not names:
        raise click.UsageError(f"name at least one {what}")
    return list(dict.fromkeys(names))


def _lines() -> list[str]:
    return [line.strip() for line in sys.stdin if line.strip()]
