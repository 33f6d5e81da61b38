"""A task whose function is decorated counts as done once its work is done, and not before."""

import pytest

from pyasynq.app import App
from pyasynq.errors import PayloadError
from tests.support import decorated


@pytest.fixture(autouse=True)
def nothing_done():
    decorated.done.clear()


@pytest.mark.parametrize("retention", [0, 60])
@pytest.mark.parametrize("make", decorated.MAKERS)
def test_the_work_of_a_decorated_function_is_done_before_the_task(make, retention):
    app = App("redis://nowhere.invalid")
    task = app.task("decorated", retention=retention)(make())

    with app.testing() as harness:
        handle = task.enqueue(7)
        (handled,) = harness.run_pending()

        assert handled.error is None
        assert len(decorated.done) == 1
        assert retention == 0 or handle.result() == 7


@pytest.mark.parametrize("retention", [0, 60])
@pytest.mark.parametrize("make", decorated.GENERATORS)
def test_a_generator_that_comes_back_is_a_failure(make, retention):
    app = App("redis://nowhere.invalid")
    task = app.task("decorated", retention=retention)(make())

    with app.testing() as harness:
        task.enqueue(7)
        (handled,) = harness.run_pending()

    assert isinstance(handled.error, PayloadError)
    assert "returned a generator, which never runs" in str(handled.error)
    assert decorated.done == []


def test_what_the_work_of_a_returned_coroutine_raises_fails_the_task():
    app = App("redis://nowhere.invalid")

    async def fail(x: int) -> None:
        raise ValueError(x)

    @app.task
    def plain(x: int):
        return fail(x)

    with app.testing() as harness:
        plain.enqueue(7)
        (handled,) = harness.run_pending()

    assert repr(handled.error) == "ValueError(7)"


def test_a_middleware_sees_the_result_of_a_returned_coroutine():
    app = App("redis://nowhere.invalid")
    seen = []

    @app.middleware
    async def look(ctx, call_next):
        seen.append(await call_next(ctx))

    app.task("decorated", retention=60)(decorated.plain_that_returns_a_coroutine()).spec  # noqa: B018
    with app.testing() as harness:
        app.tasks["decorated"].enqueue(7)
        harness.run_pending()

    assert seen == [b"7"]
