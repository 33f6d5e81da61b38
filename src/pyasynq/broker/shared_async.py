"""Concurrent calls of one turn of the event loop share one call; its blocking twin shares nothing.

A turn ends before anything is sent, so a single call waits for nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pyasynq.broker.bulk import Item
from pyasynq.errors import PyasynqError

Outcome = PyasynqError | None
StoreAll = Callable[[Sequence[Item]], Awaitable[list[Outcome]]]


class AsyncShared:
    """Collects tasks until the loop turns, then stores them together."""

    def __init__(self, store_all: StoreAll) -> None:
        self._store_all = store_all
        self._waiting: list[tuple[Item, asyncio.Future[Outcome]]] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def add(self, item: Item) -> Outcome:
        """Store one task with the others of this turn.

        Cancelling one caller never cancels the others; its own task may be stored all the same.
        """
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append((item, mine))
        if len(self._waiting) == 1:
            loop.call_soon(self._start)
        return await mine

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._waiting:
            self._start()
        if self._under_way:
            await asyncio.wait(self._under_way)

    def _start(self) -> None:
        together = [each for each in self._waiting if not each[1].done()]
        self._waiting = []
        if together:
            task = asyncio.get_running_loop().create_task(self._store(together))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _store(self, together: Sequence[tuple[Item, asyncio.Future[Outcome]]]) -> None:
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
