"""What type checkers say about middlewares, lifespans and the worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pyasynq import (
    App,
    CallNext,
    PlainCallNext,
    ServeMux,
    Server,
    ServerConfig,
    Task,
    TaskContext,
    TaskEvent,
    current_context,
)

app = App()


@app.middleware
async def timing(ctx: TaskContext, call_next: CallNext) -> Any:
    return await call_next(ctx)


@app.middleware
def connection(ctx: TaskContext, call_next: PlainCallNext) -> Any:
    return call_next(ctx)


@app.middleware  # error
def not_a_plain_middleware(ctx: TaskContext) -> Any:
    return ctx


@app.middleware  # error
async def not_a_middleware(ctx: TaskContext) -> Any:
    return ctx


@app.lifespan
async def generator() -> AsyncIterator[dict[str, str]]:
    yield {}


@app.lifespan
@asynccontextmanager
async def manager() -> AsyncIterator[dict[str, str]]:
    yield {}


@app.lifespan  # error
async def not_a_lifespan() -> None: ...


@app.on("archived")
async def report(event: TaskEvent) -> None:
    print(event.name, event.task_type, event.error)


@app.on("started", "succeeded")
def count(event: TaskEvent) -> None:
    print(event.task.payload)


@app.on("finished")  # error
def wrong_name(event: TaskEvent) -> None: ...


@app.on("archived")  # error
def no_listener() -> None: ...


def work() -> None:
    server: Server = app.server()
    mux: ServeMux = app.mux
    server.run(mux)
    app.run()
    app.server(3)  # error


class Resources: ...


def on_error(ctx: TaskContext[Resources], task: Task, error: BaseException) -> None: ...


ServerConfig(error_handler=on_error)


def anywhere() -> None:
    context: TaskContext[Resources] = current_context()
    print(context.state)


@ServeMux().handler("a")
async def typed_handler(ctx: TaskContext[Resources], task: Task) -> None: ...
