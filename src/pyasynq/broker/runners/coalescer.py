"""Coalesces tasks that are enqueued concurrently: one call stores those of one loop iteration.

If no other call is under way, a task is sent at once; otherwise it waits until the current
iteration of the event loop ends. The blocking counterpart is `direct`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from pyasynq.broker.new_tasks.prepare import PreparedTask
from pyasynq.errors import PyasynqError

Outcome = PyasynqError | None
Stored = Awaitable[Outcome]
StoreOne = Callable[[PreparedTask], Awaitable[Outcome]]
StoreAll = Callable[[Sequence[PreparedTask]], Awaitable[list[Outcome]]]


Waiting = tuple[PreparedTask, "asyncio.Future[Outcome]"]

# So many are sent without waiting for more: Redis stores them while the next ones are prepared.
ENOUGH = 48


class Coalescer:
    """Collects the tasks of one loop iteration, then stores them together.

    Args:
        store_one: stores one task alone.
        store_all: stores tasks together.
        is_slow: store one batch at a time, with all that have come meanwhile in the next one.
    """

    def __init__(self, store_one: StoreOne, store_all: StoreAll, *, is_slow: bool = False) -> None:
        self._store_one = store_one
        self._store_all = store_all
        self._joined: list[Waiting] | None = None  # of this iteration, if there is a batch to join
        self._batches: set[asyncio.Task[None]] = set()
        self._calls = 0  # under way; a task that has joined a batch is not counted
        self._all_ended: asyncio.Future[None] | None = None  # made by `close`
        self._queued: list[Waiting] = []
        self._is_storing = False
        if is_slow:
            self.add = self._queue  # type: ignore[method-assign]  # so that others pay nothing

    def add(self, item: PreparedTask) -> Stored:
        """Store one task with the others of this loop iteration; to be awaited at once.

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

    def _queue(self, item: PreparedTask) -> Stored:
        """Store one task with those that come while the batch before it is stored."""
        mine: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queued.append((item, mine))
        if not self._is_storing:
            self._is_storing = True
            self._begin(self._store_queued())
        return mine

    async def _store_queued(self) -> None:
        try:
            while self._queued:
                batch = [each for each in self._queued if not each[1].done()]
                self._queued = []
                if batch:
                    await self._store(batch)
        finally:
            self._is_storing = False

    async def close(self) -> None:
        """Wait until every call that is under way has ended."""
        while self._calls:
            if self._all_ended is None:
                self._all_ended = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._all_ended)

    async def _alone_or_lead(self, item: PreparedTask) -> Outcome:
        is_alone = not self._calls
        self._calls += 1
        try:
            return await (self._store_one(item) if is_alone else self._lead(item))
        finally:
            self._end_call()

    def _end_call(self) -> None:
        self._calls -= 1
        if self._all_ended is not None and not self._calls:
            self._all_ended.set_result(None)
            self._all_ended = None

    async def _lead(self, item: PreparedTask) -> Outcome:
        """Store *item* with the tasks that join it; alone, without an asyncio task: 20 µs less."""
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

    def _start(self, batch: Sequence[Waiting]) -> None:
        if batch:
            self._begin(self._store(batch))

    def _begin(self, storing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(storing)
        self._batches.add(task)
        self._calls += 1
        task.add_done_callback(self._on_done)

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._batches.discard(task)
        self._end_call()

    async def _store(self, batch: Sequence[Waiting]) -> None:
        try:
            outcomes = await self._store_all([item for item, _future in batch])
        except BaseException as error:
            for _item, future in batch:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_item, future), outcome in zip(batch, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)
