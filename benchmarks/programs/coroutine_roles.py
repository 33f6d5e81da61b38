"""The roles of a queue whose producers and tasks are coroutines. Standard library only.

A program names two context managers. `client(address)` gives a coroutine function that enqueues a
task with the keyword parameters it is called with. `working(address, concurrency, body)` runs a
worker whose task calls *body* with those parameters, and gives a coroutine function that says how
many tasks are not acknowledged.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, NoReturn

from benchmarks.programs.role import (
    PAYLOAD,
    Meter,
    Parameters,
    Role,
    Samples,
    at_a_rate_async,
    awaiting,
    end,
    on_worker_loop,
    play,
    send_all,
    until_none_async,
    until_terminated_async,
)

Send = Callable[..., Awaitable[object]]
Left = Callable[[], Awaitable[int]]
Body = Callable[..., object]
Client = Callable[[str], AbstractAsyncContextManager[Send]]
Working = Callable[[str, int, Body], AbstractAsyncContextManager[Left]]


def play_with(client: Client, working: Working, *, uvloop: bool = True) -> None:
    """Play the role that the command line names.

    Args:
        uvloop: whether the queue's own command takes uvloop, too, where it is installed.
    """
    consuming = {"drain": _drain, "pick_up": _pick_up, "idle": _idle}
    producing = {"fill": _fill, "enqueue": _enqueue, "produce": _produce}

    def playing(role: Callable[..., Any], side: Client | Working) -> Role:
        async def to_the_end(address: str, given: Parameters) -> NoReturn:
            end(await role(side, address, given))

        return lambda address, given: on_worker_loop(to_the_end(address, given), uvloop=uvloop)

    play(
        **{name: playing(role, working) for name, role in consuming.items()},
        **{name: playing(role, client) for name, role in producing.items()},
    )


async def _fill(client: Client, address: str, given: Parameters) -> dict[str, Any]:
    async with client(address) as send:
        await send_all(given["tasks"], lambda: send(**PAYLOAD))
    return {}


async def _enqueue(client: Client, address: str, given: Parameters) -> dict[str, Any]:
    async with client(address) as send:
        return await awaiting(given, lambda: send(**PAYLOAD))


async def _produce(client: Client, address: str, given: Parameters) -> dict[str, Any]:
    async with client(address) as send:
        await at_a_rate_async(given["samples"], given["rate"], lambda: send(due_ns=time.time_ns()))
    return {}


async def _drain(working: Working, address: str, given: Parameters) -> dict[str, Any]:
    finished = asyncio.Event()
    meter = Meter(given["tasks"], finished.set)
    async with working(address, given["concurrency"], lambda **_: meter.tick()) as left:
        await finished.wait()
        await until_none_async(left)
        return meter.figures()


async def _pick_up(working: Working, address: str, given: Parameters) -> dict[str, Any]:
    finished = asyncio.Event()
    samples = Samples(given["samples"], finished.set)
    async with working(address, given["concurrency"], samples.take):
        print("ready", flush=True)
        await finished.wait()
    return samples.figures()


async def _idle(working: Working, address: str, given: Parameters) -> dict[str, Any]:
    async with working(address, given.get("concurrency", 10), lambda **_: None):
        return await until_terminated_async()
