"""`App.testing(eager=True)`: an enqueue runs what is due before it returns."""

import asyncio

import pytest

from pyasynq.app import App
from pyasynq.client import Client
from pyasynq.errors import DuplicateTaskError, ServerStateError
from pyasynq.task import Task
from pyasynq.worker.handlers.context import TaskContext

app = App(queues={"default": 2, "mail": 1})
ran: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran():
    ran.clear()


@app.task(queue="mail", retention=600)
def send(user: int) -> str:
    ran.append(f"send {user}")
    return f"sent to {user}"


@app.task
async def sign_up(user: int) -> None:
    await send.aenqueue(user)
    ran.append(f"sign up {user}")


@app.task
def sign_up_plainly(user: int) -> None:
    send.enqueue(user)
    ran.append(f"sign up {user}")


@app.task(max_retry=1)
def fail(ctx: TaskContext) -> None:
    ran.append(f"attempt {ctx.attempt}")
    raise ValueError("no")


def test_an_enqueue_runs_the_task_and_its_result_is_there():
    with app.testing(eager=True):
        handle = send.enqueue(42)

        assert ran == ["send 42"]
        assert handle.result(timeout=0) == "sent to 42"


@pytest.mark.parametrize("task", [sign_up, sign_up_plainly])
def test_what_a_handler_enqueues_runs_after_it_and_before_the_call_returns(task):
    with app.testing(eager=True) as harness:
        task.enqueue(1)

        assert ran == ["sign up 1", "send 1"]
        assert [each.type for each in harness.handled] == [task.type, "send"]


def test_enqueue_many_stores_all_and_then_runs_all():
    with app.testing(eager=True):
        send.enqueue_many([1, 2])
        app.enqueue_many([send.bind(3), sign_up_plainly.bind(4)])

    assert ran == ["send 1", "send 2", "sign up 4", "send 3", "send 4"]


def test_a_failure_is_raised_to_the_caller_and_the_retry_waits_for_the_clock():
    with app.testing(eager=True) as harness:
        with pytest.raises(ValueError, match="no"):
            fail.enqueue()
        assert [each.state for each in harness.tasks()] == ["retry"]

        harness.run_all(raises=False)

        assert ran == ["attempt 1", "attempt 2"]
        assert [each.state for each in harness.tasks()] == ["archived"]


def test_failures_are_kept_if_the_test_wants_that():
    with app.testing(eager=True, raises=False) as harness:
        handle = fail.enqueue()

        assert [str(each.error) for each in harness.handled] == ["no"]
        assert handle.info().state == "retry"


def test_what_is_due_later_waits():
    with app.testing(eager=True) as harness:
        send.options(process_in=60, unique=60).enqueue(1)
        with pytest.raises(DuplicateTaskError):
            send.options(unique=60).enqueue(1)
        assert ran == []

        harness.clock.advance(60)
        harness.run_pending()

        assert ran == ["send 1"]


def test_the_asserts_know_what_has_run_already():
    with app.testing(eager=True) as harness:
        sign_up_plainly.enqueue(1)

        harness.assert_enqueued(send.bind(1), times=1)


def test_a_client_beside_the_app_is_not_eager():
    with app.testing(eager=True) as harness, Client(harness.url) as client:
        client.enqueue(Task("send", b'{"user":1}'), queue="mail")
        assert ran == []

        harness.run_pending()

        assert ran == ["send 1"]


async def test_an_async_enqueue_awaits_the_handlers():
    async with app.testing(eager=True):
        await sign_up.aenqueue(1)
        await sign_up_plainly.aenqueue(2)
        handle = await send.aenqueue(3)

        assert ran == ["sign up 1", "send 1", "sign up 2", "send 2", "send 3"]
        assert await handle.aresult(timeout=0) == "sent to 3"


async def test_tasks_that_are_enqueued_together_run_one_after_the_other():
    async with app.testing(eager=True):
        await asyncio.gather(*(send.aenqueue(each) for each in range(5)))
        await app.aenqueue_many([send.bind(5)])

    assert sorted(ran) == [f"send {each}" for each in range(6)]


@pytest.mark.filterwarnings("ignore:enqueue of task 'send' blocks")
async def test_a_blocking_enqueue_on_a_loop_is_refused_and_stores_nothing():
    async with app.testing(eager=True) as harness:
        with pytest.raises(ServerStateError, match="await aenqueue"):
            send.enqueue(1)

        assert harness.enqueued() == []
