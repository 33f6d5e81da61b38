"""A result that cannot be stored never makes work be done again."""

import logging

import pytest

from pyasynq import retry
from pyasynq.app import App
from pyasynq.errors import ResultNotKeptError, TaskFailedError
from pyasynq.worker.handlers.context import TaskContext


class Receipt:
    """As an object of an ORM."""


def endless():
    inner: list[object] = []
    inner.append(inner)
    return inner


RESULTS = {
    "an object": Receipt,
    "an exception": lambda: ValueError("returned"),
    "a set of mixed types": lambda: {1, "a"},
    "tuples as keys": lambda: {(1, 2): 3},
    "a list in itself": endless,
    "too many bytes": lambda: b"x" * 2000,
    "too long a text": lambda: "x" * 2000,
}


def make_app(**settings):
    return App(
        "redis://nowhere.invalid", retry_delay=retry.fixed(1), max_result_size=1000, **settings
    )


def run_again_and_again(harness):
    for _ in range(4):
        harness.run_pending()
        harness.clock.advance(2)


@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS)
def test_a_task_whose_result_cannot_be_stored_is_completed_without_it(make, is_async, caplog):
    app, done = make_app(), []

    if is_async:

        @app.task("charge", retention=600)
        async def charge_later():
            done.append("charged")
            return make()

    else:

        @app.task("charge", retention=600)
        def charge():
            done.append("charged")
            return make()

    with app.testing() as harness, caplog.at_level(logging.ERROR, "pyasynq.task"):
        handle = app.tasks["charge"].enqueue()
        run_again_and_again(harness)
        info = handle.info()
        with pytest.raises(ResultNotKeptError) as caught:
            handle.result()

    assert done == ["charged"]
    assert (info.state, info.result) == ("completed", None)
    (record,) = caplog.records
    assert record.getMessage() == (
        f"charge[{handle.id}] is done, but its result cannot be stored: {caught.value.reason}; "
        "it is completed without one"
    )
    assert (record.task_id, record.queue, record.task_type) == (handle.id, "default", "charge")
    assert str(caught.value) == (
        f"the result of task {handle.id!r} is not kept: {caught.value.reason}"
    )


def test_the_reason_names_what_cannot_be_stored():
    app = make_app()

    @app.task(retention=600)
    def charge():
        return Receipt()

    with app.testing() as harness:
        handle = charge.enqueue()
        harness.run_pending()
        with pytest.raises(ResultNotKeptError) as caught:
            handle.result()

    assert (
        caught.value.reason == "Receipt cannot be written as JSON; use plain values, such as an ID"
    )


@pytest.mark.parametrize(
    ("of_app", "of_task"), [("archive", None), ("complete", "archive"), ("archive", "archive")]
)
def test_it_is_archived_where_that_is_asked_for(of_app, of_task):
    app, done = make_app(on_invalid_result=of_app), []

    @app.task(retention=600, on_invalid_result=of_task)
    def charge():
        done.append("charged")
        return Receipt()

    with app.testing() as harness:
        handle = charge.enqueue()
        run_again_and_again(harness)
        with pytest.raises(TaskFailedError) as caught:
            handle.result()

    assert done == ["charged"]
    assert caught.value.error == (
        "the result of 'charge' cannot be stored: Receipt cannot be written as JSON; "
        "use plain values, such as an ID"
    )


def test_the_decorator_wins_over_the_app():
    app = make_app(on_invalid_result="archive")

    @app.task(retention=600, on_invalid_result="complete")
    def charge():
        return Receipt()

    with app.testing() as harness:
        handle = charge.enqueue()
        harness.run_pending()

        assert handle.info().state == "completed"


def test_progress_does_not_pass_for_a_result_that_cannot_be_stored():
    app = make_app()

    @app.task(retention=600)
    def charge(ctx: TaskContext):
        ctx.write_result(b"50%")
        return Receipt()

    with app.testing() as harness:
        handle = charge.enqueue()
        harness.run_pending()
        with pytest.raises(ResultNotKeptError):
            handle.result()

        assert handle.info().result is None


def test_a_failure_before_does_not_hide_the_result():
    app = make_app()

    @app.task(retention=600)
    def charge(ctx: TaskContext) -> int:
        if ctx.attempt == 1:
            raise ValueError("result not kept")
        return 7

    with app.testing() as harness:
        handle = charge.enqueue()
        run_again_and_again(harness)

        assert handle.result() == 7


def test_a_middleware_may_give_another_result():
    app = make_app()

    @app.middleware
    async def replace(ctx, call_next):
        await call_next(ctx)
        return b"7"

    @app.task(retention=600)
    def charge() -> int:
        return Receipt()

    with app.testing() as harness:
        handle = charge.enqueue()
        harness.run_pending()

        assert handle.result() == 7
