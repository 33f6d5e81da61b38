"""A test may stop the functions of `time`: nothing hangs, and the harness runs tasks."""

import time

import pytest

from pyasynq.app import App
from pyasynq.errors import ResultTimeoutError

FUNCTIONS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter")


@pytest.fixture
def frozen(monkeypatch):
    """Stop every clock of the module, as freezegun does."""

    def freeze():
        for name in FUNCTIONS:
            now = getattr(time, name)()
            monkeypatch.setattr(time, name, lambda now=now: now)

    yield freeze
    monkeypatch.undo()


@pytest.fixture
def app():
    app = App("redis://nowhere.invalid")

    @app.task(retention=60)
    def double(n: int) -> int:
        return 2 * n

    @app.task(retention=60)
    async def double_later(n: int) -> int:
        return await double_twice(n)

    async def double_twice(n: int) -> int:
        handle = await double.aenqueue(n)
        return 2 * n + 0 * len(handle.id)

    return app


@pytest.mark.parametrize("name", ["double", "double_later"])
def test_tasks_run_on_demand_although_the_time_stands_still(app, frozen, name):
    with app.testing() as harness:
        frozen()
        handle = app.tasks[name].enqueue(21)
        harness.run_pending()

        assert handle.result() == 42


@pytest.mark.parametrize("name", ["double", "double_later"])
async def test_tasks_run_on_demand_in_a_loop_whose_time_stands_still(app, frozen, name):
    async with app.testing() as harness:
        frozen()
        handle = await app.tasks[name].aenqueue(21)
        await harness.arun_pending()

        assert await handle.aresult() == 42


def test_waiting_for_a_result_ends_although_the_time_stands_still(app, frozen):
    with app.testing():
        frozen()
        handle = app.tasks["double"].enqueue(21)

        with pytest.raises(ResultTimeoutError):
            handle.result(timeout=0.05)


async def test_awaiting_a_result_ends_although_the_time_stands_still(app, frozen):
    async with app.testing():
        frozen()
        handle = await app.tasks["double"].aenqueue(21)

        with pytest.raises(ResultTimeoutError):
            await handle.aresult(timeout=0.05)
