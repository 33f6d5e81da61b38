"""streaQ, as a program to measure.

Results are not kept, and tasks are not logged. It runs on uvloop, which its worker can be told.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from streaq import Worker

from benchmarks.programs.coroutine_roles import Body, Left, Send, play_with
from benchmarks.programs.role import PAYLOAD

LANE = "normal"


def _declare(address: str, body: Body, *, is_plain: bool = False, **more: Any) -> tuple[Any, Any]:
    worker: Any = Worker(f"redis://{address}/0", handle_signals=False, **more)

    def plain(**parameters: Any) -> None:
        body(**parameters)

    async def measured(**parameters: Any) -> None:
        more = body(**parameters)
        if more is not None:
            await more

    declare = worker.task(name="measured", ttl=0, silent=True)
    return worker, declare(plain if is_plain else measured)


@asynccontextmanager
async def _client(address: str) -> AsyncIterator[Send]:
    worker, measured = _declare(address, lambda **_: None)
    async with worker:
        yield measured.enqueue


@asynccontextmanager
async def _bulk(address: str) -> AsyncIterator[Callable[[int], Awaitable[object]]]:
    worker, measured = _declare(address, lambda **_: None)

    async def send_many(count: int) -> None:
        await worker.enqueue_many([measured.enqueue(**PAYLOAD) for _ in range(count)])

    async with worker:  # connects
        yield send_many


@asynccontextmanager
async def _working(
    address: str, concurrency: int, body: Body, *, is_plain: bool = False
) -> AsyncIterator[Left]:
    worker, _ = _declare(address, body, is_plain=is_plain, concurrency=concurrency)
    running = asyncio.create_task(worker.run_async())

    async def left() -> int:
        # An acknowledged message is deleted, too.
        return int(await worker.redis.xlen(worker.stream_key + LANE))

    yield left
    running.cancel()


if __name__ == "__main__":
    play_with(_client, _working, bulk=_bulk, others={"thread": partial(_working, is_plain=True)})
