"""What a test learns of each attempt, and what is raised."""

import asyncio
import traceback
from dataclasses import dataclass

import pytest

from pyasynq import RetryLater, RevokeTask, SkipRetry
from pyasynq.app import App
from pyasynq.client import Client
from pyasynq.task import Task
from pyasynq.worker.handlers.context import TaskContext
from tests.support.process_handlers import double, typed

app = App()


@dataclass
class Size:
    width: int


@app.task
async def measure(width: int) -> Size:
    return Size(width)


@app.task
def measure_all(widths: list[int]) -> list[Size]:
    return [Size(width) for width in widths]


@app.task
def fail(why: str) -> None:
    raise ValueError(why)


@app.task
async def fail_async(why: str) -> None:
    raise KeyError(why)


@app.task
def decide(what: str) -> None:
    raise {"later": RetryLater(9), "revoke": RevokeTask(), "skip": SkipRetry("skipped")}[what]


@app.task(is_failure=lambda error: not isinstance(error, ConnectionError))
def unlucky() -> None:
    raise ConnectionError


@app.task
def stop(kind: str) -> None:
    if kind == "pytest":
        pytest.fail("the test itself")
    raise {"key": KeyboardInterrupt, "exit": SystemExit}[kind]


@app.task
async def stop_async() -> None:
    pytest.fail("the test itself")


@app.task(retention=60)
def progress(ctx: TaskContext) -> None:
    ctx.write_result(b'"half"')


@app.task(timeout=1)
async def slow() -> None:
    await asyncio.sleep(60)


def test_results_are_what_the_function_returned_with_and_without_a_retention():
    with app.testing() as harness:
        measure.enqueue(3)
        measure_all.options(retention=60).enqueue([1, 2])
        progress.enqueue()

        results = [each.result for each in harness.run_pending()]
        assert results == [Size(3), [Size(1), Size(2)], "half"]


@pytest.mark.slow
def test_a_handler_in_a_process_has_its_result_too():
    with typed.testing() as harness:
        double.enqueue(4)
        (handled,) = harness.run_pending(raises=True)

    assert handled.result == 8


def test_a_failure_is_raised_with_its_own_traceback():
    with app.testing() as harness:
        fail.enqueue("no")
        measure.enqueue(1)
        with pytest.raises(ValueError, match="no") as raised:
            harness.run_pending(raises=True)

        assert harness.tasks(state="pending") == []
    assert raised.traceback[-1].name == "fail"
    assert raised.value.__context__ is None


def test_several_failures_are_a_group():
    with app.testing() as harness:
        fail.enqueue("no")
        fail_async.enqueue("never")
        measure.enqueue(1)
        with pytest.raises(ExceptionGroup, match="2 of 3 attempts failed") as raised:
            harness.run_pending(raises=True)

    assert [repr(each) for each in raised.value.exceptions] == [
        "ValueError('no')",
        "KeyError('never')",
    ]


@pytest.mark.parametrize("what", ["later", "revoke"])
def test_what_is_no_failure_is_not_raised(what):
    with app.testing() as harness:
        decide.enqueue(what)
        (handled,) = harness.run_pending(raises=True)

    assert not handled.is_failure


def test_what_the_task_does_not_count_as_a_failure_is_not_raised():
    with app.testing() as harness:
        unlucky.enqueue()
        (handled,) = harness.run_pending(raises=True)

    assert isinstance(handled.error, ConnectionError)


def test_a_task_that_is_archived_at_once_is_raised():
    with app.testing() as harness:
        decide.enqueue("skip")
        with pytest.raises(SkipRetry, match="skipped"):
            harness.run_pending(raises=True)


def test_a_task_without_a_function_is_raised():
    with app.testing() as harness, Client(harness.url) as client:
        client.enqueue(Task("unknown"))
        with pytest.raises(LookupError, match='handler not found for task "unknown"'):
            harness.run_pending(raises=True)


async def test_async_tests_raise_too():
    async with app.testing() as harness:
        await fail_async.aenqueue("never")
        with pytest.raises(KeyError) as raised:
            await harness.arun_pending(raises=True)

    assert raised.traceback[-1].name == "fail_async"


def test_an_attempt_that_timed_out_has_the_error_of_its_end():
    with app.testing() as harness:
        slow.enqueue()
        (handled,) = harness.run_pending()

    assert repr(handled.error) == "TimeoutError('context deadline exceeded')"


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        (stop.bind("pytest"), pytest.fail.Exception),
        (stop.bind("key"), KeyboardInterrupt),
        (stop_async.bind(), pytest.fail.Exception),
    ],
)
@pytest.mark.parametrize("threads", [None, True])
def test_what_is_to_end_the_test_ends_it(task, kind, threads):
    with app.testing(threads=threads) as harness:
        app.enqueue_many([task])
        with pytest.raises(kind):
            harness.run_pending()


def test_a_handler_that_exits_has_failed_as_in_a_worker():
    with app.testing() as harness:
        stop.enqueue("exit")
        (handled,) = harness.run_pending()

    assert isinstance(handled.error, SystemExit)


@pytest.mark.parametrize("task", [fail, fail_async])
def test_a_traceback_tells_of_nothing_but_the_failure(task):
    with app.testing() as harness:
        task.enqueue("no")
        (handled,) = harness.run_pending()

    text = "".join(traceback.format_exception(handled.error))
    assert "During handling" not in text
    assert "no running event loop" not in text
