"""The recipe for Django in the guide to middlewares."""

from typing import Any

from django.db import close_old_connections, reset_queries

from pyasynq import App, PlainCallNext, TaskContext

app = App()
calls = []


@app.middleware
def database(ctx: TaskContext, call_next: PlainCallNext) -> Any:
    reset_queries()
    close_old_connections()
    try:
        return call_next(ctx)
    finally:
        close_old_connections()


@app.task
def pay(order: int) -> None:
    calls.append(f"paid {order}")


def test_old_connections_are_closed_before_and_after_a_task(monkeypatch):
    names = globals()
    monkeypatch.setitem(names, "close_old_connections", lambda: calls.append("closed"))
    monkeypatch.setitem(names, "reset_queries", lambda: calls.append("reset"))
    with app.testing() as harness:
        pay.enqueue(7)
        harness.run_pending(raises=True)

    assert calls == ["reset", "closed", "paid 7", "closed"]
