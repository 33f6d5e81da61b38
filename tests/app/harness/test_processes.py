"""Handlers with ``executor="process"`` in a test: they follow it, and reach no other Redis."""

import os

import pytest

from pyasynq.app import App
from pyasynq.worker.handlers.context import TaskContext, current_context

app = App("redis://nowhere.invalid", retry_delay=lambda *_: 1)
PATCHED = "no"


@app.task
def after(number: int) -> int:
    return number


@app.task(executor="process", retention=60)
def work(ctx: TaskContext, number: int) -> tuple[int, str, object, object]:
    after.enqueue(number)
    return os.getpid(), PATCHED, ctx.state, current_context().state


@app.task(executor="process", max_retry=0)
async def fail() -> None:
    await after.aenqueue(1)
    raise ValueError("no")


def test_it_runs_in_the_process_of_the_test_and_enqueues_into_its_redis(monkeypatch):
    monkeypatch.setitem(globals(), "PATCHED", "yes")
    with app.testing(state="of the worker") as harness:
        handle = work.enqueue(1)
        handled = harness.run_pending(raises=True)

        assert [each.type for each in handled] == ["work", "after"]
        assert handle.result(0) == (os.getpid(), "yes", None, None)


async def test_it_does_so_in_an_async_test():
    async with app.testing(state="of the worker") as harness:
        await work.aenqueue(1)
        handled = await harness.arun_pending(raises=True)

    assert handled[0].result[1:] == ("no", None, None)


def test_a_coroutine_function_does_so_too():
    with app.testing() as harness:
        fail.enqueue()
        with pytest.raises(ValueError, match="no"):
            harness.run_pending(raises=True)

        harness.assert_enqueued(after, times=1)


def test_outside_of_a_test_it_still_wants_a_process():
    with app.testing():
        pass

    assert app.mux.route("work").path is not None
