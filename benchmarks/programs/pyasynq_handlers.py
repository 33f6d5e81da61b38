"""The handlers of pyasynq that are measured, each with the server that runs it.

Parameters: `handler` is "bare" (a coroutine function of a ServeMux), "app" (a typed function of an
App, with a middleware and retention), "thread" (a plain function) or "process" (a plain function
in `children` processes). `await_ms`, `block_ms` and `compute_ms` say what a handler does besides.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from benchmarks.programs import tally
from benchmarks.programs.effort import effort
from benchmarks.programs.role import Parameters
from pyasynq import (
    App,
    ServeMux,
    Server,
    ServerConfig,
    Task,
    TaskContext,
    TaskHistory,
    TaskSettings,
)

Tick = Callable[[], None]


def url_of(address: str) -> str:
    """Return the URL of the Redis at an address."""
    return f"redis://{address}/0"


def queues_of(given: Parameters) -> dict[str, int]:
    """Return the queues that are asked for, with their priorities."""
    further = range(given.get("queues", 0))
    return {f"q{number}": 1 + number % 3 for number in further} | {"default": 1}


def tracing_of(given: Parameters) -> dict[str, Any]:
    """Return the keyword for what makes spans; none if nothing is to."""
    if "tracing" not in given:
        return {}
    from benchmarks.programs import pyasynq_tracing  # noqa: PLC0415 - it loads an SDK

    return {"tracing": pyasynq_tracing.tracing_of(given["tracing"])}


def bare_server(address: str, given: Parameters) -> Server:
    """Return a server with the slots, the queues and the processes that are asked for."""
    config = ServerConfig(
        concurrency=given["concurrency"],
        queues=queues_of(given),
        process_pool_size=given.get("children"),
        task_history=TaskHistory() if given.get("history") else None,
        type_statistics=bool(given.get("statistics")),
        **tracing_of(given),
    )
    return Server(url_of(address), config)


def _bare(address: str, given: Parameters, tick: Tick) -> tuple[Server, ServeMux]:
    mux, wait_s, work = ServeMux(), given.get("await_ms", 0) / 1e3, effort(given)

    async def noop(_ctx: TaskContext, _task: Task) -> None:
        tick()

    async def wait(_ctx: TaskContext, _task: Task) -> None:
        tick()  # before it waits: the time of the first start counts
        await asyncio.sleep(wait_s)

    async def busy(_ctx: TaskContext, _task: Task) -> None:
        tick()
        work()

    mux.handler("noop")(wait if wait_s else busy if given.get("compute_ms") else noop)
    return bare_server(address, given), mux


def _thread(address: str, given: Parameters, tick: Tick) -> tuple[Server, ServeMux]:
    mux, work = ServeMux(), effort(given)

    def noop(_ctx: TaskContext, _task: Task) -> None:
        tick()

    def busy(_ctx: TaskContext, _task: Task) -> None:
        tick()
        work()

    mux.handler("noop")(busy if given.get("block_ms") or given.get("compute_ms") else noop)
    return bare_server(address, given), mux


def counted(_ctx: TaskContext, _task: Task) -> None:
    """Handle a task in a process, which imports this function by its name."""
    tally.count()


def _process(address: str, given: Parameters, _tick: Tick) -> tuple[Server, ServeMux]:
    mux = ServeMux()
    mux.add("noop", counted, settings=TaskSettings(executor="process"))
    return bare_server(address, given), mux


def _app(address: str, given: Parameters, tick: Tick) -> tuple[Server, ServeMux]:
    app = App(url_of(address), concurrency=given["concurrency"])

    @app.middleware
    async def pass_on(ctx: TaskContext, call_next: Any) -> Any:
        return await call_next(ctx)

    @app.task("noop", retention=60)
    async def noop(user_id: int, template: str) -> None:
        del user_id, template
        tick()

    return app.server(), app.mux


HANDLERS = {"bare": _bare, "thread": _thread, "process": _process, "app": _app}
