"""What a server and its handlers decide about failures."""

import asyncio
import logging
import time
from datetime import timedelta

import pytest

from pyasynq import retry
from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings

RETRY = "asynq:{default}:retry"


def failing(**settings):
    mux = ServeMux()

    @mux.handler("email", settings=TaskSettings(**settings))
    async def handle(ctx, task):
        raise ValueError("busy")

    return mux


async def wait_of(work, info):
    """Return for how long a retried task waits, from now."""
    await work.until(info, "retry")
    return work.redis.zscore(RETRY, info.id) - time.time()


async def test_without_a_policy_a_retry_waits_as_in_go(work):
    async with work.serving(failing()):
        info = await work.enqueue("email")
        wait_s = await wait_of(work, info)

    assert -30 < wait_s <= 44


async def test_the_delay_of_a_task_wins_over_that_of_the_server(work):
    mux = failing(retry_delay=retry.fixed(timedelta(hours=2)))

    @mux.handler("report")
    async def handle(ctx, task):
        raise ValueError("busy")

    async with work.serving(mux, retry_delay=retry.fixed(timedelta(hours=5))):
        own, server = await work.enqueue("email"), await work.enqueue("report")
        waits_s = [await wait_of(work, info) for info in (own, server)]

    assert [round(wait_s / 3600) for wait_s in waits_s] == [2, 5]


async def test_a_delay_grows_with_the_retries(work):
    asked = []

    def delay(retried, error, task):
        asked.append((retried, str(error), task.type))
        return timedelta(0)

    async with work.serving(failing(), retry_delay=delay):
        await work.until(await work.enqueue("email", max_retry=3), "archived")

    assert asked == [(retried, "busy", "email") for retried in range(3)]


@pytest.mark.parametrize("delay", [7200, 7200.5, timedelta(hours=2)])
async def test_a_delay_is_a_timedelta_or_a_number_of_seconds(work, caplog, delay):
    async with work.serving(failing(), retry_delay=lambda *_: delay):
        wait_s = await wait_of(work, await work.enqueue("email"))

    assert round(wait_s / 3600) == 2
    assert [each for each in caplog.records if each.name == "pyasynq.outcome"] == []


@pytest.mark.parametrize(
    ("delay", "fault"),
    [
        ("soon", "must be a timedelta or a number of seconds, not str"),
        (None, "must be a timedelta or a number of seconds, not NoneType"),
        (float("nan"), "is out of range: nan"),
    ],
)
async def test_anything_but_a_delay_is_logged_in_one_line(work, caplog, delay, fault):
    async with work.serving(failing(), retry_delay=lambda *_: delay):
        info = await work.enqueue("email")
        wait_s = await wait_of(work, info)

    (record,) = [each for each in caplog.records if each.name == "pyasynq.outcome"]
    assert record.getMessage() == (
        f"what retry_delay of 'email' returns {fault}; using the default for task {info.id}"
    )
    assert record.exc_info is None
    assert -30 < wait_s <= 44


async def test_a_delay_that_fails_is_logged_without_what_the_handler_raised(work, caplog):
    def delay(retried, error, task):
        raise KeyError("own")

    async with work.serving(failing(), retry_delay=delay):
        await work.until(await work.enqueue("email"), "retry")

    (record,) = [each for each in caplog.records if each.name == "pyasynq.outcome"]
    trace = logging.Formatter().format(record)
    assert trace.count("Traceback") == 1
    assert trace.endswith("KeyError: 'own'")


async def test_what_the_server_does_not_call_a_failure_is_retried_and_not_counted(work):
    settings = {"is_failure": lambda error: False, "retry_delay": retry.fixed(3600)}

    async with work.serving(failing(), **settings):
        info = await work.enqueue("email")
        await work.until(info, "retry")

    message = work.message(info)
    assert (message.retried, message.error_msg.split(" [")[0]) == (0, "ValueError: busy")
    assert message.last_failed_at > 0
    assert (work.count("processed"), work.count("failed")) == (0, 0)


async def test_what_a_task_does_not_call_a_failure_wins_over_the_server(work):
    mux = failing(is_failure=lambda error: not isinstance(error, ValueError))
    settings = {"is_failure": lambda error: True, "retry_delay": retry.fixed(3600)}

    async with work.serving(mux, **settings):
        info = await work.enqueue("email")
        await work.until(info, "retry")

    assert (work.message(info).retried, work.count("failed")) == (0, 0)


async def test_what_is_not_a_failure_is_archived_when_no_retry_is_allowed(work):
    async with work.serving(failing(), is_failure=lambda error: False):
        info = await work.enqueue("email", max_retry=0)
        await work.until(info, "archived")

    assert (work.count("processed"), work.count("failed")) == (1, 1)


@pytest.mark.parametrize(
    ("asked_for", "state"),
    [(SkipRetry("no"), "archived"), (RevokeTask("no"), None), (RetryLater(3600), "retry")],
)
@pytest.mark.parametrize("way", ["cause", "context", "group"])
async def test_control_flow_counts_wherever_it_is_in_the_chain(work, asked_for, state, way):
    mux = ServeMux()

    async def ask():
        raise asked_for

    @mux.handler("email")
    async def handle(ctx, task):
        if way == "group":
            async with asyncio.TaskGroup() as group:
                group.create_task(ask())
        try:
            await ask()
        except Exception as error:
            if way == "cause":
                raise KeyError("outside") from error
            raise KeyError("outside")  # noqa: B904 - the context is what is tested

    async with work.serving(mux):
        info = await work.enqueue("email")
        await work.until(info, state)

    assert work.count("failed") == (1 if state == "archived" else 0)
