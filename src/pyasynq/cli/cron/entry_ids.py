"""The IDs of entries on the command line, where the beginning of one is enough."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from pyasynq.errors import NotFoundError
from pyasynq.inspector import SchedulerEntry
from pyasynq.shown import shown

F = TypeVar("F", bound=Callable[..., Any])

SHORTEST = 4
CUT = "…"  # where a table has cut an ID


def entry_ids_argument(function: F) -> F:
    """Add the IDs of entries as arguments."""
    return click.argument("entry_ids", nargs=-1, metavar="ENTRY_ID...")(function)


def full_id(given: str, entries: Sequence[SchedulerEntry]) -> str:
    """Return the ID of the entry that *given* begins; *given* itself if there is none.

    Raises:
        NotFoundError: there are several.
    """
    beginning = given.removesuffix(CUT)
    ids = {each.id for each in entries}
    if given in ids or len(beginning) < SHORTEST:
        return given
    found = [each for each in ids if each.startswith(beginning)]
    if len(found) > 1:
        raise NotFoundError(
            f"{shown(beginning)!r} begins the IDs of {len(found)} entries; write more of it"
        )
    return found[0] if found else given
