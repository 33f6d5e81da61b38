"""The blocking side of `shared_async`: a blocking call is alone, so it shares nothing."""

from collections.abc import Callable, Sequence

from pyasynq.broker.bulk import Item
from pyasynq.errors import PyasynqError

Outcome = PyasynqError | None
StoreAll = Callable[[Sequence[Item]], list[Outcome]]


class Shared:
    """Stores each task at once."""

    def __init__(self, store_all: StoreAll) -> None:
        self._store_all = store_all

    def add(self, item: Item) -> Outcome:
        """Store one task."""
        return self._store_all([item])[0]

    def close(self) -> None:
        """Do nothing: no call is under way when another one is made."""
