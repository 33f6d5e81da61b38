"""What the help says about keys. Uppercase keys act, and ask before."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Keys(NamedTuple):
    """Some keys, and what they do."""

    keys: str
    does: str


EVERYWHERE = (
    Keys("1 2 3 4 5", "Queues, Servers, Schedulers, Redis, Attention"),
    Keys("↑ ↓ j k", "move; the last row comes before the first"),
    Keys("g G PgUp PgDn", "first row, last row, a screen up or down"),
    Keys("Enter", "open what is under the cursor"),
    Keys("q Esc", "back; quits at the top"),
    Keys("/", "show only rows with some words; Esc ends it"),
    Keys("Space", "hold still, or be live again"),
    Keys("Ctrl-L", "read now"),
    Keys("Ctrl-P Ctrl-K", "commands, and queues by name"),
    Keys("?", "this help"),
    Keys("Ctrl-C Ctrl-Q", "quit"),
)
QUEUES = (
    Keys("x *", "select a queue; all of them"),
    Keys("P", "pause the queues, or end their pause"),
    Keys("D", "delete the queues with their tasks"),
)
QUEUE = (
    Keys("← → h l", "the tab of another state"),
    Keys("n p ] [", "next page, previous page"),
    Keys("o", "the other order: newest or oldest first"),
    Keys("x", "select a task"),
    Keys("*", "select the page; once more: all of this state"),
    Keys("R A D C", "run, archive, delete, cancel the tasks"),
    Keys("P", "pause the queue, or end its pause"),
)
TASK = (
    Keys("v", "payload and result as text, JSON or hexadecimal"),
    Keys("R A D C", "run, archive, delete, cancel the task"),
)
TWO_TABLES = (
    Keys("Tab", "the other table"),
    Keys("C", "cancel a task that runs"),
)
SECTIONS: Mapping[str, tuple[str, Sequence[Keys]]] = {
    "QueuesView": ("Queues", QUEUES),
    "QueueView": ("A queue", QUEUE),
    "TaskView": ("A task", TASK),
    "ServersView": ("Servers", TWO_TABLES),
    "SchedulersView": ("Schedulers", TWO_TABLES[:1]),
}


def sections_of(view: str) -> list[tuple[str, Sequence[Keys]]]:
    """Return the sections of the help for a view: its own keys first."""
    own = [SECTIONS[view]] if view in SECTIONS else []
    return [*own, ("Everywhere", EVERYWHERE)]
