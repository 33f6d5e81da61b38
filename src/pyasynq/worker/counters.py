"""What the components of a server did, counted since its start.

Plain numbers in this process; nothing is sent anywhere. To show or export them, read
`Counters.all`, from any thread.
"""

from typing import NamedTuple


class Count(NamedTuple):
    """One counter.

    Attributes:
        name: what was done, such as "recovered".
        queue: in which queue.
        kind: how it ended, such as "retried".
        value: how often since the start of the server; it never falls.
    """

    name: str
    queue: str
    kind: str
    value: int


class Counters:
    """The counters of one server."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, str], int] = {}

    def add(self, name: str, queue: str, kind: str, count: int = 1) -> None:
        """Count something that was done; call it on the loop of the server."""
        key = name, queue, kind
        self._values[key] = self._values.get(key, 0) + count

    def all(self) -> list[Count]:
        """Return every counter that is not zero, sorted; safe from any thread."""
        return [Count(*key, value) for key, value in sorted(self._values.copy().items())]
