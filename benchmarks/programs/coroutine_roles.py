"""The roles of a queue whose producers and tasks are coroutines. Standard library only.

A program names two context managers. `client(address)` gives a coroutine function that enqueues a
task with the keyword parameters it is called with. `working(address, concurrency, body)` runs a
worker whose task calls *body* with those parameters, awaits what it returns unless that is None,
and gives a coroutine function that says how many tasks are not acknowledged.

It may name more. `bulk(address)` connects and gives a coroutine function that enqueues as many
no-op tasks as it is told, in one call. *others* are ways to work whose task is a plain function, in
a "thread" or in a "process", by the parameter `handler`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, NoReturn

from benchmarks.programs.effort import effort
from benchmarks.programs.role import (
    BATCH,
    PAYLOAD,
    Meter,
    Parameters,
    Role,
    Samples,
    at_a_rate_async,
    awaiting,
    end,
    notes,
    on_worker_loop,
    play,
    send_all,
    timed_awaits,
    until_killed,
    until_none_async,
    until_terminated_async,
)
from benchmarks.programs.tally import LOOK_S, Tally, count

Send = Callable[..., Awaitable[object]]
Left = Callable[[], Awaitable[int]]
Body = Callable[..., Awaitable[object] | None]
Client = Callable[[str], AbstractAsyncContextManager[Send]]
Working = Callable[[str, int, Body], AbstractAsyncContextManager[Left]]
Bulk = Callable[[str], AbstractAsyncContextManager[Callable[[int], Awaitable[object]]]]
Others = Mapping[str, Working]


def play_with(
    client: Client,
    working: Working,
    *,
    uvloop: bool = True,
    bulk: Bulk | None = None,
    others: Others | None = None,
) -> None:
    """Play the role that the command line names.

    Args:
        client: see above, as for the others.
        working: with a coroutine function as its task.
        uvloop: whether the queue's own command takes uvloop, too, where it is installed.
        bulk: enqueues many at once.
        others: works with other kinds of handlers.
    """

    def playing(role: Callable[[str, Parameters], Awaitable[dict[str, Any]]]) -> Role:
        async def to_the_end(address: str, given: Parameters) -> NoReturn:
            end(await role(address, given))

        return lambda address, given: on_worker_loop(to_the_end(address, given), uvloop=uvloop)

    async def drain(address: str, given: Parameters) -> dict[str, Any]:
        kind = given.get("handler", "bare")
        if kind == "process":
            return await _drain_in_processes((others or {})[kind], address, given)
        return await _drain(working if kind == "bare" else (others or {})[kind], address, given)

    async def fill(address: str, given: Parameters) -> dict[str, Any]:
        if bulk is None:
            return await _fill(client, address, given)
        return await _enqueue_many(bulk, address, given | {"form": "at once"})

    async def enqueue(address: str, given: Parameters) -> dict[str, Any]:
        if bulk is None or given["form"] in ("awaited", "concurrent"):
            return await _enqueue(client, address, given)
        return await _enqueue_many(bulk, address, given)

    play(
        drain=playing(drain),
        pick_up=playing(partial(_pick_up, working)),
        idle=playing(partial(_idle, working)),
        linger=playing(partial(_linger, working)),
        fill=playing(fill),
        enqueue=playing(enqueue),
        produce=playing(partial(_produce, client)),
    )


async def _fill(client: Client, address: str, given: Parameters) -> dict[str, Any]:
    async with client(address) as send:
        await send_all(given["tasks"], lambda: send(**PAYLOAD))
    return {}


async def _enqueue(client: Client, address: str, given: Parameters) -> dict[str, Any]:
    async with client(address) as send:
        return await awaiting(given, lambda: send(**PAYLOAD))


async def _enqueue_many(bulk: Bulk, address: str, given: Parameters) -> dict[str, Any]:
    tasks = given["tasks"]
    batch = BATCH if given["form"] == "bulk" else tasks
    async with bulk(address) as send_many:

        async def all_of_them() -> None:
            for _ in range(tasks // batch):
                await send_many(batch)

        return await timed_awaits(tasks, all_of_them)


async def _produce(client: Client, address: str, given: Parameters) -> dict[str, Any]:
    async with client(address) as send:
        await at_a_rate_async(given["samples"], given["rate"], lambda: send(due_ns=time.time_ns()))
    return {}


async def _drain(working: Working, address: str, given: Parameters) -> dict[str, Any]:
    finished, loop, work = asyncio.Event(), asyncio.get_running_loop(), effort(given)
    meter = Meter(given["tasks"], lambda: loop.call_soon_threadsafe(finished.set))

    def body(**_: object) -> None:
        meter.tick()
        work()

    async with working(address, given["concurrency"], body) as left:
        await finished.wait()
        await until_none_async(left)
        return meter.figures()


async def _drain_in_processes(working: Working, address: str, given: Parameters) -> dict[str, Any]:
    tally = Tally(given)
    async with working(address, given["concurrency"], count) as left:
        while not tally.has_all():  # noqa: ASYNC110 - other processes count
            await asyncio.sleep(LOOK_S)
        await until_none_async(left)
        return tally.figures()


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


async def _linger(working: Working, address: str, given: Parameters) -> dict[str, Any]:
    note, linger_s = notes(given), given["linger_s"]

    def body(due_ns: int) -> Awaitable[None]:
        note(due_ns)
        return asyncio.sleep(linger_s)

    async with working(address, given["concurrency"], body):
        return await until_killed()
