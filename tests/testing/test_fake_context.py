"""Calling a handler directly, with a context of `pyasynq.testing.task_context`."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.app import App
from pyasynq.errors import ConfigError
from pyasynq.testing import FakeClock, task_context
from pyasynq.worker.handlers.context import TaskContext, current_context

app = App()


@app.task(max_retry=2)
def resize(ctx: TaskContext, width: int) -> str:
    ctx.write_result(b"half")
    return f"{width} at attempt {ctx.attempt} with {ctx.state}"


def test_a_handler_is_called_with_what_the_test_says():
    context = task_context(resize.bind(40), attempt=3, max_retry=2, state="fake", retention=60)

    assert resize(context, 40) == "40 at attempt 3 with fake"
    assert context.results == [b"half"]
    assert (context.task_type, context.task.payload) == ("resize", b'{"width":40}')
    assert (context.is_last_attempt, context.retry_count, context.max_retry) == (True, 2, 2)
    assert context.retention == timedelta(seconds=60)


def test_an_async_handler_may_write_results_too():
    context = task_context()

    asyncio.run(context.awrite_result(b"half"))

    assert context.results == [b"half"]


def test_what_is_not_said_is_as_for_a_new_task():
    context = task_context(clock=FakeClock(datetime(2030, 1, 1, tzinfo=UTC)))

    assert (context.task_id, context.queue, context.headers) == ("testing", "default", {})
    assert (context.attempt, context.max_retry, context.is_last_attempt) == (1, 25, False)
    assert context.enqueued_at == datetime(2030, 1, 1, tzinfo=UTC)
    assert context.remaining() == timedelta(minutes=30)
    assert (context.state, context.is_cancelled) == (None, False)


def test_the_time_that_is_left_follows_a_clock_of_the_test():
    clock = FakeClock()
    context = task_context(timeout=10, clock=clock)

    clock.advance(4)

    assert context.remaining() == timedelta(seconds=6)


def test_a_context_can_be_cancelled():
    context = task_context()

    context.cancel()

    assert context.is_cancelled


def test_code_below_the_handler_finds_the_context_inside_a_block():
    with task_context(task_id="one") as outer, task_context(task_id="two"):
        assert current_context().task_id == "two"
    with outer:
        assert current_context() is outer

    with pytest.raises(LookupError):
        current_context()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"attempt": 0}, "attempt must be a whole number from 1, not 0"),
        ({"attempt": True}, "attempt must be a whole number from 1, not True"),
        ({"attempt": 4, "max_retry": 2}, "attempt 4 is one too many for max_retry=2"),
        ({"queue": " "}, "queue must not be blank"),
        ({"timeout": "soon"}, "timeout must be a timedelta or a number of seconds, not str"),
    ],
)
def test_a_wrong_argument_is_refused(given, text):
    with pytest.raises(ConfigError, match=text):
        task_context(**given)


def test_a_result_must_be_bytes():
    with pytest.raises(ConfigError, match="must be bytes"):
        task_context().write_result("half")
