"""What type checkers say about middlewares, lifespans and the worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pyasynq import (
    App,
    CallNext,
    PeriodicEvent,
    PlainCallNext,
    Scheduler,
    ServeMux,
    Server,
    ServerConfig,
    Task,
    TaskContext,
    TaskEvent,
    WorkerEvent,
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


@app.on("worker_stopped")
async def tell(event: WorkerEvent) -> None:
    print(event.reason, event.counts["done"], event.queues, event.error)


@app.on("periodic_enqueued", "periodic_failed")
def note(event: PeriodicEvent) -> None:
    print(event.key, event.due_at, event.task_id)


@app.on("archived", "worker_stopped", "periodic_failed")
def alert(event: TaskEvent | WorkerEvent | PeriodicEvent) -> None:
    print(event.name, event.error)


@app.on("worker_started")
def of_its_own_type(event: WorkerEvent) -> int:
    return event.pid


def keeps_its_type(event: WorkerEvent) -> int:
    return of_its_own_type(event)


@app.on("finished")  # error
def wrong_name(event: TaskEvent) -> None: ...


@app.on("worker_started")  # error
def other_event(event: TaskEvent) -> None: ...


@app.on("archived", "worker_stopped")  # error
def one_of_two(event: TaskEvent) -> None: ...


@ServeMux().on("worker_stopped")
def of_a_mux(event: WorkerEvent) -> None: ...


@ServeMux().on("archived", "worker_stopped")
def of_a_server(event: TaskEvent | WorkerEvent) -> None: ...


@ServeMux().on("periodic_failed")  # error
def not_of_a_mux(event: PeriodicEvent) -> None: ...


@Scheduler().on("periodic_failed")
def of_a_scheduler(event: PeriodicEvent) -> None: ...


@Scheduler().on("archived")  # error
def not_of_a_scheduler(event: TaskEvent) -> None: ...


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
