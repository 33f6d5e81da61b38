"""Counts the slots of a server that are free."""

import asyncio

from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async
from tests.support.workplace import Workplace

SLOTS = 2


class Slots:
    """A handler that holds its slot until it is asked to end; counts how many do so."""

    def __init__(self, mux: ServeMux) -> None:
        self.held = self.most = 0
        self.release = asyncio.Event()
        mux.add("hold", self._hold)

    async def _hold(self, ctx, task) -> None:
        self.held += 1
        self.most = max(self.most, self.held)
        await self.release.wait()
        self.held -= 1

    async def are_all_free(self, work: Workplace) -> None:
        """Fill every slot, offer one task more, and let all end."""
        infos = [await work.enqueue("hold") for _ in range(SLOTS + 1)]
        await eventually_async(lambda: self.held == SLOTS)
        assert work.redis.llen("asynq:{default}:pending") == 1
        self.release.set()
        for info in infos:
            await work.until(info, None)
        assert self.most == SLOTS
