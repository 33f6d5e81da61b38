"""The blocking side of `shared_async`: a blocking call is alone, so it shares nothing."""

from collections.abc import Callable, Sequence

from pyasynq.broker.operations.bulk import Item
from pyasynq.errors import PyasynqError

Outcome = PyasynqError | None
StoreOne = Callable[[Item], Outcome]
StoreAll = Callable[[Sequence[Item]], list[Outcome]]


class DirectStore:
    """Stores each task at once."""

    def __init__(self, store_one: StoreOne, store_all: StoreAll) -> None:
        del store_all
        self.add = store_one

    def close(self) -> None:
        """Do nothing: no call is under way when another one is made."""
