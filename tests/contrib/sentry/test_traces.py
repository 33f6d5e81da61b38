"""One trace from the producer through the attempts of a task, as transactions of Sentry."""

import pytest
import sentry_sdk

from pyasynq import App, Client, RetryLater, Task, retry
from pyasynq.opentelemetry import OpenTelemetry
from pyasynq.options import EnqueueOptions
from tests.support.traces import Traces, traceparent

app = App("redis://nowhere.invalid", queues={"default": 1, "mail": 1}, retry_delay=retry.fixed(1))


@app.task(max_retry=1)
def place(order: int) -> None:
    mail.enqueue(order)


@app.task("mail:receipt", queue="mail", max_retry=1, retention=60)
def mail(order: int) -> str:
    if order == 13:
        raise ValueError("unlucky")
    if order == 14:
        raise RetryLater(5)
    return "sent"


def test_a_trace_goes_from_the_producer_through_tasks_that_enqueue_tasks(sentry):
    kept = sentry(traces_sample_rate=1.0)

    with app.testing() as harness:
        with sentry_sdk.start_transaction(name="request") as request:
            place.enqueue(1)
        harness.run_pending(raises=True)

    asked, placed, mailed = kept.transactions
    assert [each["transaction"] for each in (placed, mailed)] == ["place", "mail:receipt"]
    contexts = [each["contexts"]["trace"] for each in (asked, placed, mailed)]
    assert {each["trace_id"] for each in contexts} == {request.trace_id}
    assert [each["op"] for each in contexts[1:]] == ["queue.process"] * 2
    (of_request,), (of_place,) = asked["spans"], placed["spans"]
    assert (of_request["op"], of_request["description"]) == ("queue.publish", "place")
    assert [each["parent_span_id"] for each in contexts[1:]] == [
        of_request["span_id"],
        of_place["span_id"],
    ]


def test_a_transaction_tells_what_the_page_about_queues_asks_for(sentry):
    kept = sentry(traces_sample_rate=1.0)

    with app.testing() as harness:
        handle = mail.enqueue(1)
        harness.run_pending(raises=True)

    (mailed,) = kept.transactions
    data = mailed["contexts"]["trace"]["data"]
    assert data.pop("messaging.message.receive.latency") >= 0
    assert {name: data[name] for name in data if name.startswith(("messaging", "pyasynq"))} == {
        "messaging.system": "asynq",
        "messaging.message.id": handle.id,
        "messaging.destination.name": "mail",
        "messaging.message.body.size": 11,
        "messaging.message.retry.count": 0,
        "pyasynq.outcome": "completed",
    }


@pytest.mark.parametrize(
    ("order", "statuses"),
    [(1, ["ok"]), (13, ["internal_error"] * 2), (14, ["aborted"])],
)
def test_the_status_of_a_transaction_is_what_became_of_the_attempt(sentry, order, statuses):
    kept = sentry(traces_sample_rate=1.0)

    with app.testing() as harness:
        mail.enqueue(order)
        harness.run_pending()
        if order == 13:
            harness.run_all()

    assert [each["contexts"]["trace"]["status"] for each in kept.transactions] == statuses


def test_without_transactions_errors_on_both_sides_belong_to_one_trace(sentry):
    kept = sentry(report_failures="all")

    with app.testing() as harness:
        sentry_sdk.capture_message("an order comes in")
        mail.enqueue(13)
        harness.run_pending()

    asked, failed = kept.events
    assert kept.transactions == []
    assert asked["contexts"]["trace"]["trace_id"] == failed["contexts"]["trace"]["trace_id"]


def test_no_header_is_added_if_traces_are_not_to_be_carried(sentry):
    kept = sentry(propagate_traces=False, traces_sample_rate=1.0)

    with app.testing() as harness:
        with sentry_sdk.start_transaction(name="request") as request:
            handle = mail.enqueue(1)
        assert handle.info().headers == {}
        harness.run_pending()

    assert kept.transactions[-1]["contexts"]["trace"]["trace_id"] != request.trace_id


def test_headers_of_the_user_win(sentry):
    sentry()

    with app.testing():
        handle = mail.options(headers={"sentry-trace": "mine"}).enqueue(1)

        assert handle.info().headers["sentry-trace"] == "mine"


def test_many_tasks_are_one_span_and_carry_one_trace(sentry, redis_url):
    kept = sentry(traces_sample_rate=1.0)

    with Client(redis_url) as client, sentry_sdk.start_transaction(name="request"):
        results = client.enqueue_many([Task("a"), (Task("b"), EnqueueOptions(queue="mail"))])

    ((span,),) = [each["spans"] for each in kept.transactions]
    assert span["data"]["messaging.batch.message_count"] == 2
    assert {each.info.headers["sentry-trace"] for each in results} == {
        f"{span['trace_id']}-{span['span_id']}-1"
    }


def test_opentelemetry_and_sentry_trace_side_by_side(sentry, redis_url):
    sentry()
    traces = Traces()

    with Client(redis_url, tracing=traces.tracing) as client:
        info = client.enqueue(Task("a"))

    assert info.headers["traceparent"] == traceparent(traces.only("enqueue"))
    assert {"sentry-trace", "baggage"} <= set(info.headers)
    assert isinstance(traces.tracing, OpenTelemetry)


def test_a_duplicate_is_no_failure_of_the_span_that_enqueues(sentry):
    kept = sentry(traces_sample_rate=1.0)

    with app.testing(), sentry_sdk.start_transaction(name="request"):
        mail.options(task_id="once").enqueue(1)
        with pytest.raises(Exception, match="once"):
            mail.options(task_id="once").enqueue(1)

    statuses = [each["status"] for each in kept.transactions[0]["spans"]]
    assert statuses == ["ok", "ok"]


GARBAGE = "\x00{]" * 5000


@pytest.mark.parametrize("value", ["", "nonsense", "00-" + "0" * 32 + "-1", GARBAGE])
def test_headers_that_no_sdk_has_written_harm_neither_the_task_nor_its_report(sentry, value):
    kept = sentry(traces_sample_rate=1.0, monitor_periodic_tasks=True)
    names = ("sentry-trace", "baggage", "sentry-monitor-slug", "sentry-monitor-config")
    headers = dict.fromkeys((*names, "sentry-monitor-check-in-id"), value)

    with app.testing() as harness:
        handle = mail.options(headers=headers, max_retry=0).enqueue(13)
        harness.run_pending()
        assert handle.info().last_error.startswith("ValueError: unlucky")

    (event,) = kept.events
    assert event["tags"]["task_id"] == handle.id
    assert [each["transaction"] for each in kept.transactions] == ["mail:receipt"]


def test_a_sampler_that_raises_costs_the_transaction_only(sentry):
    def sampler(context):
        raise RuntimeError(context["pyasynq_task"]["type"])

    kept = sentry(traces_sampler=sampler)

    with app.testing() as harness:
        mail.options(max_retry=0).enqueue(13)
        harness.run_pending()

    assert kept.messages() == ["unlucky"]
    assert kept.transactions == []


def test_while_the_sdk_streams_spans_failures_are_reported_without_transactions(sentry):
    kept = sentry(traces_sample_rate=1.0, trace_lifecycle="stream")

    with app.testing() as harness:
        handle = mail.options(max_retry=0).enqueue(13)
        assert "sentry-trace" in handle.info().headers
        harness.run_pending()

    assert kept.messages() == ["unlucky"]
    assert kept.transactions == []
