"""ArdiQ, as a program to measure.

Results are not kept. It runs on asyncio's own loop, as its command does. Plain functions run in
asyncio's own threads, of which there are four more than cores; a handler in a process is a new
interpreter for every task.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ardiq import Ardiq

from benchmarks.programs.coroutine_roles import Body, Left, Send, play_with
from benchmarks.programs.role import PAYLOAD

NAME = "measured"


def _app(address: str, **more: Any) -> Any:
    return Ardiq(f"redis://{address}/0", result_ttl_ms=0, **more)


def _coroutine(app: Any, body: Body) -> None:
    @app.task(name=NAME)
    async def measured(**parameters: Any) -> None:
        more = body(**parameters)
        if more is not None:
            await more


def _plain(app: Any, body: Body, *, executor: str) -> None:
    app.task(name=NAME, executor=executor)(body)


@asynccontextmanager
async def _client(address: str) -> AsyncIterator[Send]:
    yield _app(address).ref(NAME).enqueue


@asynccontextmanager
async def _bulk(address: str) -> AsyncIterator[Callable[[int], Awaitable[object]]]:
    app = _app(address)

    @app.task(name=NAME)
    async def measured(user_id: int, template: str) -> None:
        del user_id, template

    async def send_many(count: int) -> None:
        await app.enqueue_many([measured.prepare(**PAYLOAD) for _ in range(count)])

    await app.queue_size()  # connects
    yield send_many


@asynccontextmanager
async def _working(
    address: str,
    concurrency: int,
    body: Body,
    *,
    declare: Callable[[Any, Body], None] = _coroutine,
) -> AsyncIterator[Left]:
    app = _app(address, concurrency=concurrency)
    declare(app, body)
    running = asyncio.create_task(app.run())

    async def left() -> int:
        return int(await app.queue_size())

    yield left
    running.cancel()


if __name__ == "__main__":
    kinds = {
        kind: partial(_working, declare=partial(_plain, executor=kind))
        for kind in ("thread", "process")
    }
    play_with(_client, _working, uvloop=False, bulk=_bulk, others=kinds)
