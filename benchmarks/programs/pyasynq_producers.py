"""The role `enqueue` of pyasynq: with a Client or, with the parameter `typed`, a task of an App."""

import json
from typing import Any

from benchmarks.programs.pyasynq_handlers import tracing_of, url_of
from benchmarks.programs.role import (
    BATCH,
    PAYLOAD,
    Parameters,
    awaiting,
    on_worker_loop,
    one_by_one,
    timed_calls,
)
from pyasynq import App, AsyncClient, Client, Task

TASK = Task("noop", json.dumps(PAYLOAD).encode())


def enqueue(address: str, given: Parameters) -> dict[str, Any]:
    """Enqueue no-op tasks in one form."""
    is_awaited = given["form"] in ("awaited", "concurrent")
    if given.get("typed"):
        return (
            on_worker_loop(_await_typed(address, given)) if is_awaited else _typed(address, given)
        )
    return on_worker_loop(_await(address, given)) if is_awaited else _with_client(address, given)


def _with_client(address: str, given: Parameters) -> dict[str, Any]:
    tasks = given["tasks"]
    with Client(url_of(address), **tracing_of(given)) as client:
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


async def _await(address: str, given: Parameters) -> dict[str, Any]:
    async with AsyncClient(url_of(address), **tracing_of(given)) as client:
        return await awaiting(given, lambda: client.enqueue(TASK))


def _typed(address: str, given: Parameters) -> dict[str, Any]:
    noop = _declared(address, given)
    if given["form"] == "single":
        return one_by_one(given["tasks"], lambda: noop.enqueue(**PAYLOAD))
    noop.enqueue(**PAYLOAD)
    return timed_calls(given["tasks"], lambda: _in_bulk(noop, given["tasks"]))


async def _await_typed(address: str, given: Parameters) -> dict[str, Any]:
    noop = _declared(address, given)
    return await awaiting(given, lambda: noop.aenqueue(**PAYLOAD))


def _declared(address: str, given: Parameters) -> Any:
    app = App(url_of(address), **tracing_of(given))

    @app.task("noop")
    async def noop(user_id: int, template: str) -> None:
        del user_id, template

    return noop


def _in_bulk(noop: Any, tasks: int) -> None:
    """Enqueue *tasks* calls at once."""
    noop.enqueue_many([PAYLOAD for _ in range(tasks)])
