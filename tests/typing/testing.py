"""What type checkers must accept and refuse in the tests of an application."""

from datetime import UTC, datetime
from typing import assert_type

from pyasynq import App, Task, TaskState
from pyasynq.testing import (
    AppHarness,
    EnqueuedTask,
    FakeClock,
    FakeTaskContext,
    HandledTask,
    RunningWorker,
    private_redis,
    running_worker,
    task_context,
    use_redis,
)

app = App()


@app.task
async def send(user: int, *, template: str = "plain") -> str:
    return template


def runs() -> None:
    with app.testing() as harness:
        assert_type(harness, AppHarness)
        assert_type(harness.run_pending(raises=True), list[HandledTask])
        assert_type(harness.run_all(limit=10), list[HandledTask])
        assert_type(harness.handled, list[HandledTask])
        assert_type(harness.tasks(state="pending"), list[EnqueuedTask])
        assert_type(harness.tasks()[0].state, TaskState)
        assert_type(harness.url, str)
        harness.clock.advance(60)
        harness.clock.advance_to(datetime.now(UTC))
        harness.clock.advance("60")  # error
        harness.run_pending(raise_errors=True)  # error
    app.testing(eager=True, raises=False, now=datetime.now(UTC), state=3, scheduler=False)
    app.testing(eagre=True)  # error
    app.testing(now="2030-01-07")  # error


async def arun() -> None:
    async with app.testing(threads=True) as harness:
        assert_type(harness, AppHarness)
        assert_type(await harness.arun_pending(), list[HandledTask])
        assert_type(await harness.arun_all(), list[HandledTask])


def asserts(harness: AppHarness) -> None:
    harness.assert_enqueued(send.bind(1), queue="mail", process_in=60, times=1)
    harness.assert_enqueued(send, times=2)
    harness.assert_enqueued("send")
    harness.assert_not_enqueued(Task("send", b""))
    assert_type(harness.enqueued(), list[EnqueuedTask])
    assert_type(harness.enqueued(send, queue="mail"), list[EnqueuedTask])
    harness.assert_enqueued(send.bind("1"))  # error
    harness.assert_enqueued(send, colour="red")  # error
    harness.assert_enqueued(send, times="once")  # error
    harness.assert_enqueued(print)  # error
    harness.assert_enqueued(42)  # error


def places() -> None:
    with private_redis() as url, running_worker(app, scheduler=True) as worker:
        assert_type(url, str)
        assert_type(worker, RunningWorker)
        worker.until_idle(timeout=5)
        worker.until_idle("5")  # error
    running_worker("shop:app")  # error
    use_redis("redis://localhost/9", may_hold_data=True)
    use_redis(None)


async def direct() -> None:
    context = task_context(send.bind(1), attempt=3, clock=FakeClock())
    assert_type(context, FakeTaskContext)
    assert_type(context.results, list[bytes])
    assert_type(await send(1), str)
    task_context(attempt="3")  # error
