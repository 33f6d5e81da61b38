"""pyasynq, as a program to measure; with leases, heartbeats, deadlines and counters as always.

`drain` has the parameters of `pyasynq_handlers`, and further ones: `shared` means that other
processes drain the same queue, `stocked` that it has tasks that stay; `queues` is the number of
further queues, with priorities from 1 to 3; `uvloop` (true) may be false; `history` and
`statistics` keep what was done, and what it measures is read every `read_every_s` seconds.
`enqueue` has `typed`. Both have the `tracing` of `pyasynq_tracing`. `pick_up` has `servers`: how
many of them this process runs.
"""

import asyncio
import signal
import threading
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from redis.asyncio import Redis

from benchmarks.programs.pyasynq_handlers import HANDLERS, bare_server, queues_of, url_of
from benchmarks.programs.pyasynq_producers import enqueue
from benchmarks.programs.role import (
    Meter,
    Parameters,
    Samples,
    notes,
    on_worker_loop,
    play,
    until_killed,
    until_terminated_async,
)
from benchmarks.programs.tally import LOOK_S as TALLY_LOOK_S
from benchmarks.programs.tally import Tally
from pyasynq import ServeMux, Server, Task, TaskContext

PENDING = "asynq:{default}:pending"
LOOK_S, SETTLE_S = 0.02, 0.001


def drain(address: str, given: Parameters) -> dict[str, Any]:
    """Run no-op tasks until the queue is empty, as `pyasynq worker` does."""
    kind = given.get("handler", "bare")
    if kind == "process":
        tally = Tally(given)
        server, mux = HANDLERS[kind](address, given, lambda: None)
        return _served(server, mux, given, _watch_tally(address, tally))
    finished, loops = asyncio.Event(), list[asyncio.AbstractEventLoop]()
    meter = Meter(given["tasks"], lambda: loops[0].call_soon_threadsafe(finished.set))
    server, mux = HANDLERS[kind](address, given, meter.tick)
    if every_s := given.get("read_every_s"):
        threading.Thread(target=_read, args=(server, every_s), daemon=True).start()

    async def watch() -> dict[str, Any]:
        loops.append(asyncio.get_running_loop())
        await until_finished(address, given, finished)
        return meter.figures()

    return _served(server, mux, given, watch())


def _read(server: Server, every_s: float) -> None:
    """Ask for the readings of *server* until the end of the process."""
    while True:
        server.readings()
        time.sleep(every_s)


async def _watch_tally(address: str, tally: Tally) -> dict[str, Any]:
    while not tally.has_all():  # noqa: ASYNC110 - other processes count
        await asyncio.sleep(TALLY_LOOK_S)
    async with Redis.from_url(url_of(address)) as redis:
        await _until_empty(redis, "asynq:{default}:active", SETTLE_S)
    return tally.figures()


def _served(
    server: Server, mux: ServeMux, given: Parameters, watch: Coroutine[Any, Any, dict[str, Any]]
) -> dict[str, Any]:
    """Serve until *watch* returns the figures; return them."""
    watches = list[asyncio.Task[dict[str, Any]]]()

    async def to_the_end() -> dict[str, Any]:
        figures = await watch
        server.shutdown()
        return figures

    def start() -> None:
        watches.append(asyncio.get_running_loop().create_task(to_the_end()))

    async def serve() -> None:
        start()
        await server.serve(mux)

    if given.get("uvloop", True):
        server.run(mux, on_loop=start)
    else:
        asyncio.run(serve())
    return watches[0].result()


async def until_finished(address: str, given: Parameters, finished: asyncio.Event) -> None:
    """Wait until the last task is acknowledged."""
    async with Redis.from_url(url_of(address)) as redis:
        if given.get("shared"):
            await _until_empty(redis, PENDING, LOOK_S)
        else:
            await finished.wait()
        for queue in () if given.get("stocked") else queues_of(given):
            await _until_empty(redis, f"asynq:{{{queue}}}:active", SETTLE_S)


async def _until_empty(redis: "Redis", key: str, pause_s: float) -> None:
    while await redis.llen(key):  # noqa: ASYNC110 - other processes empty it, too
        await asyncio.sleep(pause_s)


def pick_up(address: str, given: Parameters) -> dict[str, Any]:
    """Serve until enough tasks have recorded how late they started, or until SIGTERM."""
    return on_worker_loop(_pick_up(address, given))


async def _pick_up(address: str, given: Parameters) -> dict[str, Any]:
    finished = asyncio.Event()
    samples = Samples(given["samples"], finished.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, finished.set)
    mux = ServeMux()

    async def timed(_ctx: TaskContext, task: Task) -> None:
        samples.take(int(task.payload or b"0"))

    mux.handler("timed")(timed)
    async with AsyncExitStack() as stack:
        for _ in range(given.get("servers", 1)):
            await stack.enter_async_context(bare_server(address, given).running(mux))
        print("ready", flush=True)
        await finished.wait()
    return samples.figures()


def linger(address: str, given: Parameters) -> dict[str, Any]:
    """Note the start of each task, which then takes as long as is wanted, until this is killed."""
    return on_worker_loop(_linger(address, given))


async def _linger(address: str, given: Parameters) -> dict[str, Any]:
    note, linger_s, mux = notes(given), given["linger_s"], ServeMux()

    @mux.handler("timed")
    async def timed(_ctx: TaskContext, task: Task) -> None:
        note(int(task.payload or b"0"))
        await asyncio.sleep(linger_s)

    async with bare_server(address, given).running(mux):
        return await until_killed()


def idle(address: str, given: Parameters) -> dict[str, Any]:
    """Serve nothing until SIGTERM."""
    return on_worker_loop(_idle(address, given))


async def _idle(address: str, given: Parameters) -> dict[str, Any]:
    async with bare_server(address, given).running(ServeMux()):
        return await until_terminated_async()


if __name__ == "__main__":
    play(drain=drain, enqueue=enqueue, pick_up=pick_up, idle=idle, linger=linger)
