"""The guide to middlewares: its code is code that runs here."""

import time
from typing import Any

from pyasynq import App, CallNext, PlainCallNext, ServeMux, TaskContext

calls: list[str] = []
app = App()


@app.middleware
async def timing(ctx: TaskContext, call_next: CallNext) -> Any:  # on the event loop
    began = time.monotonic()
    try:
        return await call_next(ctx)
    finally:
        print(ctx.task_type, time.monotonic() - began)


@app.middleware
def session(ctx: TaskContext, call_next: PlainCallNext) -> Any:  # in the thread of the handler
    open_session(ctx.task_id)
    try:
        return call_next(ctx)
    finally:
        close_session(ctx.task_id)


def open_session(task_id):
    calls.append("opened")


def close_session(task_id):
    calls.append("closed")


@app.task
def ship(order: int) -> None:
    calls.append(f"shipped {order}")


def test_each_task_is_timed(capsys):
    with app.testing() as harness:
        ship.enqueue(7)
        harness.run_pending(raises=True)

    assert capsys.readouterr().out.startswith("ship 0.")


def test_a_plain_middleware_is_around_its_handler():
    calls.clear()
    with app.testing() as harness:
        ship.enqueue(7)
        harness.run_pending(raises=True)

    assert calls == ["opened", "shipped 7", "closed"]


def test_a_mux_takes_middlewares_in_their_order():
    mux = ServeMux()
    mux.use(timing, session)  # timing in the worker, session in the process

    assert mux.middlewares == [timing, session]
