"""What type checkers say about middlewares, lifespans and the worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pyasynq import App, CallNext, ServeMux, Server, TaskContext

app = App()


@app.middleware
async def timing(ctx: TaskContext, call_next: CallNext) -> Any:
    return await call_next(ctx)


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


def work() -> None:
    server: Server = app.server()
    mux: ServeMux = app.mux
    server.run(mux)
    app.run()
    app.server(3)  # error
