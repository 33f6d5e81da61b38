"""SAQ, as a program to measure.

Finished jobs are deleted at once: it would keep each for ten minutes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from saq import Queue, Worker

from benchmarks.programs.coroutine_roles import Body, Left, Send, play_with

DELETE_AT_ONCE = -1


@asynccontextmanager
async def _client(address: str) -> AsyncIterator[Send]:
    queue = Queue.from_url(f"redis://{address}/0")
    await queue.connect()
    yield partial(queue.enqueue, "measured", ttl=DELETE_AT_ONCE)
    await queue.disconnect()


@asynccontextmanager
async def _working(address: str, concurrency: int, body: Body) -> AsyncIterator[Left]:
    async def measured(_context: Any, **parameters: Any) -> None:
        more = body(**parameters)
        if more is not None:
            await more

    queue = Queue.from_url(f"redis://{address}/0")
    await queue.connect()
    worker = Worker(queue, functions=[("measured", measured)], concurrency=concurrency)
    worker.SIGNALS = []  # the role listens to them
    running = asyncio.create_task(worker.start())

    async def left() -> int:
        return int(await queue.count("active"))

    yield left
    running.cancel()


if __name__ == "__main__":
    play_with(_client, _working, uvloop=False)
