"""Concurrent calls of one turn of the event loop share one call; its blocking twin shares nothing.

While no other call is under way, one is sent at once; else it waits until the turn ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pyasynq.broker.operations.bulk import Item
from pyasynq.errors import PyasynqError

Outcome = PyasynqError | None
StoreOne = Callable[[Item], Awaitable[Outcome]]
StoreAll = Callable[[Sequence[Item]], Awaitable[list[Outcome]]]


Waiting = tuple[Item, "asyncio.Future[Outcome]"]

# Sent without waiting for more: Redis stores these while the next ones are made ready.
ENOUGH = 48


class Coalescer:
    """Collects tasks until the loop turns, then stores them together."""

    def __init__(self, store_one: StoreOne, store_all: StoreAll) -> None:
        self._store_one = store_one
        self._store_all = store_all
        self._joined: list[Waiting] | None = None  # of this turn, if there is one to join
        self._together: set[asyncio.Task[None]] = set()
        self._calls = 0  # under way, those that joined another one left out
        self._landed: asyncio.Future[None] | None = None  # made by who waits for the last of them

    def add(self, item: Item) -> Awaitable[Outcome]:
        """Store one task with the others of this turn; the caller awaits at once what it gets.

        Cancelling one caller never cancels the others; its own task may be stored all the same.
        """
        if self._joined is None:
            return self._alone_or_lead(item)
        mine: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._joined.append((item, mine))
        if len(self._joined) >= ENOUGH:
            self._start(self._take_joined())
            self._joined = []
        return mine

    async def close(self) -> None:
        """Wait for what is under way."""
        while self._calls:
            if self._landed is None:
                self._landed = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._landed)

    async def _alone_or_lead(self, item: Item) -> Outcome:
        is_alone = not self._calls
        self._calls += 1
        try:
            return await (self._store_one(item) if is_alone else self._lead(item))
        finally:
            self._land()

    def _land(self) -> None:
        self._calls -= 1
        if self._landed is not None and not self._calls:
            self._landed.set_result(None)
            self._landed = None

    async def _lead(self, item: Item) -> Outcome:
        """Store *item* and what joins it; alone it needs no task of its own: 20 µs less."""
        mine: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        first = self._joined = [(item, mine)]
        try:
            await asyncio.sleep(0)
        except BaseException:
            mine.cancel()
            self._start(self._take_joined())
            raise
        if self._joined is first and len(first) == 1:
            self._joined = None
            return await self._store_one(item)
        self._start(self._take_joined())
        return await mine

    def _take_joined(self) -> list[Waiting]:
        joined, self._joined = self._joined or [], None
        return [each for each in joined if not each[1].done()]

    def _start(self, together: Sequence[Waiting]) -> None:
        if together:
            task = asyncio.get_running_loop().create_task(self._store(together))
            self._together.add(task)
            self._calls += 1
            task.add_done_callback(self._on_done)

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._together.discard(task)
        self._land()

    async def _store(self, together: Sequence[Waiting]) -> None:
        try:
            outcomes = await self._store_all([item for item, _future in together])
        except BaseException as error:
            for _item, future in together:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_item, future), outcome in zip(together, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)
