"""pyasynq, as a program to measure; with leases, heartbeats, deadlines and counters as always.

`drain` has the parameter `handler`: "bare" (a ServeMux), "app" (a typed function of an App, with a
middleware and retention) or "thread" (a plain function); `await_ms` makes the bare handler wait;
`shared` means that other processes drain the same queue, `stocked` that it has tasks that stay;
`queues` is the number of further queues, with priorities from 1 to 3; `uvloop` (true) may be false.
`pick_up` has `servers`: how many of them this process runs.
"""

import asyncio
import json
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from redis.asyncio import Redis

from benchmarks.programs.role import (
    PAYLOAD,
    Meter,
    Parameters,
    Samples,
    awaiting,
    on_worker_loop,
    one_by_one,
    play,
    timed_calls,
    until_terminated_async,
)
from pyasynq import (
    App,
    AsyncClient,
    Client,
    ServeMux,
    Server,
    ServerConfig,
    Task,
    TaskContext,
)

TASK = Task("noop", json.dumps(PAYLOAD).encode())
PENDING = "asynq:{default}:pending"
BATCH = 100  # tasks of one bulk call
LOOK_S, SETTLE_S = 0.02, 0.001


def drain(address: str, given: Parameters) -> dict[str, Any]:
    """Run no-op tasks until the queue is empty, as `pyasynq worker` does."""
    finished, watches = asyncio.Event(), list[asyncio.Task[dict[str, Any]]]()
    meter = Meter(given["tasks"], lambda: watches[0].get_loop().call_soon_threadsafe(finished.set))
    server, mux = HANDLERS[given.get("handler", "bare")](address, given, meter.tick)

    async def watch() -> dict[str, Any]:
        await until_finished(address, given, finished)
        server.shutdown()
        return meter.figures()

    def start() -> None:
        watches.append(asyncio.get_running_loop().create_task(watch()))

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
    async with Redis.from_url(_url(address)) as redis:
        if given.get("shared"):
            await _until_empty(redis, PENDING, LOOK_S)
        else:
            await finished.wait()
        for queue in () if given.get("stocked") else _queues(given):
            await _until_empty(redis, f"asynq:{{{queue}}}:active", SETTLE_S)


async def _until_empty(redis: "Redis", key: str, pause_s: float) -> None:
    while await redis.llen(key):  # noqa: ASYNC110 - other processes empty it, too
        await asyncio.sleep(pause_s)


def _bare(address: str, given: Parameters, tick: Callable[[], None]) -> tuple[Server, ServeMux]:
    mux, wait_s = ServeMux(), given.get("await_ms", 0) / 1e3

    async def noop(_ctx: TaskContext, _task: Task) -> None:
        tick()

    async def wait(_ctx: TaskContext, _task: Task) -> None:
        tick()  # before it waits: the time of the first start counts
        await asyncio.sleep(wait_s)

    mux.handler("noop")(wait if wait_s else noop)
    return bare_server(address, given), mux


def _thread(address: str, given: Parameters, tick: Callable[[], None]) -> tuple[Server, ServeMux]:
    mux = ServeMux()

    def noop(_ctx: TaskContext, _task: Task) -> None:
        tick()

    mux.handler("noop")(noop)
    return bare_server(address, given), mux


def _app(address: str, given: Parameters, tick: Callable[[], None]) -> tuple[Server, ServeMux]:
    app = App(_url(address), concurrency=given["concurrency"])

    @app.middleware
    async def pass_on(ctx: TaskContext, call_next: Any) -> Any:
        return await call_next(ctx)

    @app.task("noop", retention=60)
    async def noop(user_id: int, template: str) -> None:
        del user_id, template
        tick()

    return app.server(), app.mux


HANDLERS = {"bare": _bare, "thread": _thread, "app": _app}


def bare_server(address: str, given: Parameters) -> Server:
    """Return a server with the slots and the queues that are asked for."""
    config = ServerConfig(concurrency=given["concurrency"], queues=_queues(given))
    return Server(_url(address), config)


def _queues(given: Parameters) -> dict[str, int]:
    further = range(given.get("queues", 0))
    return {f"q{number}": 1 + number % 3 for number in further} | {"default": 1}


def enqueue(address: str, given: Parameters) -> dict[str, Any]:
    """Enqueue no-op tasks in one form."""
    tasks = given["tasks"]
    if given["form"] in ("awaited", "concurrent"):
        return on_worker_loop(_enqueue_async(address, given))
    with Client(_url(address)) as client:
        if given["form"] == "single":
            return one_by_one(tasks, lambda: client.enqueue(TASK))
        client.enqueue(TASK)

        def in_bulk() -> None:
            for _ in range(tasks // BATCH):
                client.enqueue_many([TASK] * BATCH)

        def at_once() -> None:
            client.enqueue_many([TASK] * tasks)

        forms = {"bulk": in_bulk, "at once": at_once}
        return timed_calls(tasks, forms[given["form"]])


async def _enqueue_async(address: str, given: Parameters) -> dict[str, Any]:
    async with AsyncClient(_url(address)) as client:
        return await awaiting(given, lambda: client.enqueue(TASK))


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


def idle(address: str, given: Parameters) -> dict[str, Any]:
    """Serve nothing until SIGTERM."""
    return on_worker_loop(_idle(address, given))


async def _idle(address: str, given: Parameters) -> dict[str, Any]:
    async with bare_server(address, given).running(ServeMux()):
        return await until_terminated_async()


def _url(address: str) -> str:
    return f"redis://{address}/0"


if __name__ == "__main__":
    play(drain=drain, enqueue=enqueue, pick_up=pick_up, idle=idle)
