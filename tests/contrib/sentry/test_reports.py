"""Failures of tasks as events of Sentry."""

import asyncio
import logging
import os
import sys

import pytest
import sentry_sdk
from sentry_sdk.integrations.logging import LoggingIntegration

from pyasynq import App, RetryLater, RevokeTask, SkipRetry, Task, retry
from pyasynq.contrib.sentry import PyasynqIntegration
from pyasynq.errors import ConfigError
from pyasynq.lifecycle.process_exit import exit_now
from pyasynq.options import EnqueueOptions
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async

app = App("redis://nowhere.invalid", queues={"default": 1, "orders": 1}, retry_delay=retry.fixed(1))
SECRET = "tiger-7"
ONCE = EnqueueOptions(max_retry=0)


class NotYetError(Exception):
    """No failure, as `is_failure` says."""


@app.task("order:ship", queue="orders", max_retry=1)
def ship(order: int, password: str = SECRET) -> None:
    raise ValueError(f"no address of order {order}")


@app.task
def ask_for_more() -> None:
    raise SkipRetry("never")


@app.task(max_retry=0)
def put_off() -> None:
    raise RetryLater(5)


@app.task(max_retry=0)
def revoke() -> None:
    raise RevokeTask


@app.task(max_retry=1, is_failure=lambda error: not isinstance(error, NotYetError))
def look() -> None:
    raise NotYetError("not yet")


@app.task(max_retry=0, timeout=0.05)
async def sleep() -> None:
    await asyncio.sleep(30)


def run(*tasks):
    with app.testing(scheduler=False) as harness:
        for task in tasks:
            task.enqueue()
        harness.run_pending()


def test_a_task_is_reported_once_when_it_is_archived(sentry):
    kept = sentry(LoggingIntegration(event_level=logging.ERROR))

    with app.testing(scheduler=False) as harness:
        handle = ship.enqueue(7)
        harness.run_pending()
        assert kept.events == []
        harness.run_all()

    (event,) = kept.events
    assert event["level"] == "error"
    assert event["transaction"] == "order:ship"
    assert event["tags"] == {
        "task_type": "order:ship",
        "task_id": handle.id,
        "queue": "orders",
        "attempt": 2,
    }
    (raised,) = event["exception"]["values"]
    assert (raised["type"], raised["value"]) == ("ValueError", "no address of order 7")
    assert raised["mechanism"] == {"type": "pyasynq", "handled": False}
    assert raised["stacktrace"]["frames"][-1]["function"] == "ship"


def test_every_failed_attempt_is_reported_if_that_is_asked_for(sentry):
    kept = sentry(report_failures="all")

    with app.testing(scheduler=False) as harness:
        ship.enqueue(7)
        harness.run_all()

    assert [(each["level"], each["tags"]["attempt"]) for each in kept.events] == [
        ("warning", 1),
        ("error", 2),
    ]


def test_no_failure_is_reported_if_none_is_to_be(sentry):
    kept = sentry(report_failures="none")

    run(ask_for_more)

    assert kept.events == []


def test_what_is_no_failure_is_not_reported(sentry):
    kept = sentry(report_failures="all")

    run(put_off, revoke, look)

    assert kept.events == []


def test_a_task_that_is_not_to_be_tried_again_is_reported_at_once(sentry):
    kept = sentry()

    run(ask_for_more)

    assert kept.messages() == ["never"]


def test_a_type_that_nobody_handles_is_reported(sentry):
    kept = sentry()

    with app.testing(scheduler=False) as harness:
        app.enqueue_many([(Task("order:shop", b"{}"), ONCE)])
        harness.run_pending()

    assert kept.messages() == ['handler not found for task "order:shop"']


def test_a_task_whose_time_is_up_is_reported_with_the_line_at_which_it_was(sentry):
    kept = sentry()

    run(sleep)

    (event,) = kept.events
    cause, error = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("TimeoutError", "context deadline exceeded")
    assert "sleep" in [each["function"] for each in cause["stacktrace"]["frames"]]


@pytest.mark.filterwarnings("ignore:The send_default_pii option:DeprecationWarning")
@pytest.mark.parametrize(
    ("options", "may_send"),
    [
        ({}, False),
        ({"send_default_pii": False}, False),
        ({"send_default_pii": True}, True),
        ({"data_collection": {"queues": False}}, False),
        ({"data_collection": {"queues": True}}, True),
    ],
)
def test_arguments_are_told_only_if_they_may_be_sent_and_secrets_never(sentry, options, may_send):
    kept = sentry(**options)

    with app.testing(scheduler=False) as harness:
        ship.options(max_retry=0, headers={"authorization": SECRET}).enqueue(7)
        harness.run_pending()

    (event,) = kept.events
    told = event["contexts"]["pyasynq"].get("arguments")
    assert told == ({"order": 7, "password": "[hidden]"} if may_send else None)
    assert ("vars" in event["exception"]["values"][-1]["stacktrace"]["frames"][-1]) is may_send
    assert SECRET not in str(event)


def test_a_payload_that_does_not_fit_is_reported_without_its_values(sentry):
    kept = sentry()

    with app.testing(scheduler=False) as harness:
        app.enqueue_many([(Task("order:ship", b'{"order": "tiger-7"}'), ONCE)])
        harness.run_pending()

    assert kept.messages() == ["$.order: expected int, got str"]
    assert SECRET not in str(kept.events)


def test_what_before_send_raises_harms_no_task(sentry):
    def before_send(event, hint):
        raise RuntimeError("not today")

    kept = sentry(before_send=before_send)

    with app.testing(scheduler=False) as harness:
        handle = ship.options(max_retry=0).enqueue(1)
        harness.run_pending()
        assert handle.info().state == "archived"

    assert kept.events == []


def test_without_the_integration_nothing_is_told(sentry):
    sentry()
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)

    with app.testing(scheduler=False) as harness:
        info = ship.options(max_retry=0).enqueue(1).info()
        harness.run_pending()

    assert info.headers == {}


def test_wrong_settings_are_named_together():
    with pytest.raises(ConfigError) as caught:
        PyasynqIntegration(report_failures="some", propagate_traces=1)

    assert str(caught.value) == (
        "report_failures must be one of 'archived', 'all', 'none', not 'some'; "
        "propagate_traces must be True or False, not 1"
    )


async def test_a_task_whose_worker_died_is_reported_by_the_one_that_archives_it(sentry, work):
    kept = sentry()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task): ...

    carried = {"sentry-trace": f"{'a' * 32}-{'b' * 16}-1"}
    info = await work.enqueue("email", max_retry=0, headers=carried)
    work.abandon(info)
    async with work.serving(mux):
        await eventually_async(lambda: kept.events)

    (event,) = kept.events
    assert kept.messages() == ["asynq: task lease expired"]
    assert event["tags"]["task_id"] == info.id
    assert event["fingerprint"] == ["{{ default }}", "email"]
    assert event["contexts"]["trace"]["trace_id"] == "a" * 32


def test_what_waits_is_sent_before_a_worker_exits_without_its_handlers(sentry, monkeypatch):
    kept = sentry()
    monkeypatch.setattr(os, "_exit", sys.exit)

    with pytest.raises(SystemExit):
        exit_now(1)

    assert kept.flushes == 1
