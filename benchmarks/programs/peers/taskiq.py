"""taskiq on Redis streams, as a program to measure.

Messages are acknowledged after their task. Parameters are not validated, as with `--no-parse`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

from benchmarks.programs.coroutine_roles import Body, Left, Send, play_with

QUEUE = GROUP = "taskiq"


def _declare(address: str, body: Body) -> tuple[Any, Any]:
    broker = RedisStreamBroker(f"redis://{address}/0", queue_name=QUEUE, consumer_group_name=GROUP)

    @broker.task(task_name="measured")
    async def measured(**parameters: Any) -> None:
        more = body(**parameters)
        if more is not None:
            await more

    return broker, measured


@asynccontextmanager
async def _client(address: str) -> AsyncIterator[Send]:
    broker, measured = _declare(address, lambda **_: None)
    await broker.startup()
    yield measured.kiq
    await broker.shutdown()


@asynccontextmanager
async def _working(address: str, concurrency: int, body: Body) -> AsyncIterator[Left]:
    broker, _ = _declare(address, body)
    await broker.startup()
    receiver = asyncio.create_task(
        run_receiver_task(broker, validate_params=False, max_async_tasks=concurrency)
    )
    redis = Redis.from_url(f"redis://{address}/0")

    async def left() -> int:
        return int((await redis.xpending(QUEUE, GROUP))["pending"])

    yield left
    receiver.cancel()


if __name__ == "__main__":
    play_with(_client, _working)
