"""The blocking counterpart of `coalescer`: a blocking call is alone, so each task is sent at once.

Written by hand; it takes the place of `coalescer` in the generated twin of `enqueuer_async`.
"""

from collections.abc import Callable, Sequence

from pyasynq.broker.new_tasks.prepare import PreparedTask
from pyasynq.errors import PyasynqError

Outcome = PyasynqError | None
Stored = Outcome
StoreOne = Callable[[PreparedTask], Outcome]
StoreAll = Callable[[Sequence[PreparedTask]], list[Outcome]]


class DirectStore:
    """Stores each task at once."""

    def __init__(self, store_one: StoreOne, store_all: StoreAll, *, is_slow: bool = False) -> None:
        del store_all, is_slow
        self.add = store_one

    def close(self) -> None:
        """Do nothing: no call is under way when another one is made."""
