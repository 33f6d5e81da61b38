"""Where a task is of which only the ID is known: pure but for what it remembers."""

from collections.abc import Callable, Iterable

import msgspec

from pyasynq.errors import ConfigError
from pyasynq.task import TaskInfo


class Lookup(msgspec.Struct):
    """Finds the queue of one task by its ID and its type.

    Attributes:
        is_meant: whether a task of this type may be the one, since others may have the same ID.
        queue: where it was found; None as long as it was not.
    """

    is_meant: Callable[[str], bool]
    queue: str | None = None

    def accept(self, infos: Iterable[TaskInfo | None]) -> str | None:
        """Return the queue of the task that is meant, and remember it; None if it is not there.

        Raises:
            ConfigError: several may be meant.
        """
        found = [info for info in infos if info is not None and self.is_meant(info.type)]
        if len(found) > 1:
            queues = " and ".join(repr(info.queue) for info in found)
            raise ConfigError(
                f"there are tasks with the ID {found[0].id!r} in queues {queues}; name one, as in "
                f"handle({found[0].id!r}, queue={found[0].queue!r})"
            )
        if found:
            self.queue = found[0].queue
        return self.queue
