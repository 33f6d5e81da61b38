"""arq, as a program to measure.

It looks for jobs every 10 ms instead of every 500, which would allow 1 000 jobs a second at most.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from arq import create_pool, func
from arq.connections import RedisSettings
from arq.constants import default_queue_name
from arq.worker import Worker

from benchmarks.programs.coroutine_roles import Body, Left, Send, play_with

POLL_S = 0.01


@asynccontextmanager
async def _client(address: str) -> AsyncIterator[Send]:
    pool = await create_pool(RedisSettings.from_dsn(f"redis://{address}/0"))
    yield partial(pool.enqueue_job, "measured")
    await pool.aclose()


@asynccontextmanager
async def _working(address: str, concurrency: int, body: Body) -> AsyncIterator[Left]:
    async def measured(_context: Any, **parameters: Any) -> None:
        more = body(**parameters)
        if more is not None:
            await more

    pool = await create_pool(RedisSettings.from_dsn(f"redis://{address}/0"))
    worker = Worker(
        [func(measured, name="measured", keep_result=0)],
        redis_pool=pool,
        max_jobs=concurrency,
        poll_delay=POLL_S,
        handle_signals=False,
    )
    running = asyncio.create_task(worker.async_run())

    async def left() -> int:
        return int(await pool.zcard(default_queue_name))

    yield left
    running.cancel()


if __name__ == "__main__":
    play_with(_client, _working, uvloop=False)
