"""Spans of attempts tell what became of their tasks."""

import asyncio
import contextlib

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from pyasynq import Task, retry
from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.errors import PayloadError
from pyasynq.inspector import AsyncInspector
from pyasynq.opentelemetry import OpenTelemetry
from pyasynq.tracing import current_trace
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async
from tests.support.traces import (
    LATE,
    Traces,
    attempt_of,
    events,
    ids,
    is_child,
    traceparent,
)


async def raising(error):
    raise error


async def test_a_failure_is_an_error_with_its_exception_and_when_it_is_retried(work, traces):
    span = await attempt_of(work, traces, lambda ctx, task: raising(ValueError("bad size")))

    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "bad size")
    assert span.attributes["error.type"] == "ValueError"
    assert span.attributes["pyasynq.task.outcome"] == "retried"
    exception, again = span.events
    assert exception.name == "exception"
    assert exception.attributes["exception.type"] == "ValueError"
    assert exception.attributes["exception.message"] == "bad size"
    assert "in raising" in exception.attributes["exception.stacktrace"]
    assert again.name == "retry scheduled"
    assert 3590 < again.attributes["pyasynq.retry.delay_seconds"] <= 3600
    assert again.attributes["pyasynq.retry.at"].endswith("+00:00")


async def test_each_attempt_of_a_task_is_a_span_below_the_same_parent(app, traces):
    @app.task(retry_delay=retry.fixed(0.001))
    async def flaky() -> None:
        if len(traces.named("process")) < 2:
            raise ValueError

    async with app.server().running(app.mux):
        await flaky.aenqueue()
        await eventually_async(lambda: len(traces.named("process")) == 3)

    spans = traces.named("process")
    assert all(is_child(each, traces.only("enqueue")) for each in spans)
    assert [each.attributes["pyasynq.task.attempt"] for each in spans] == [1, 2, 3]
    assert [each.attributes["pyasynq.task.outcome"] for each in spans] == [
        "retried",
        "retried",
        "done",
    ]


@pytest.mark.parametrize(
    ("error", "options", "outcome", "status", "told"),
    [
        (ValueError(), {"max_retry": 0}, "archived", StatusCode.ERROR, ["exception"]),
        (SkipRetry("no"), {}, "archived", StatusCode.ERROR, ["exception"]),
        (RevokeTask("no"), {}, "dropped", StatusCode.UNSET, []),
        (RetryLater(60, "busy"), {}, "deferred", StatusCode.UNSET, ["retry scheduled"]),
        (None, {"retention": 60}, "completed", StatusCode.UNSET, []),
    ],
)
async def test_what_became_of_a_task_is_told(work, traces, error, options, outcome, status, told):
    def handle(ctx, task):
        if error is not None:
            raise error

    span = await attempt_of(work, traces, handle, options=options)

    assert span.attributes["pyasynq.task.outcome"] == outcome
    assert (span.status.status_code, events(span)) == (status, told)
    if outcome == "deferred":
        assert span.events[0].attributes["pyasynq.retry.reason"] == "busy"


async def test_an_exception_that_is_no_failure_is_told_without_an_error(work, traces):
    span = await attempt_of(
        work,
        traces,
        lambda ctx, task: raising(ValueError("later")),
        is_failure=lambda error: False,
    )

    assert events(span) == ["exception", "retry scheduled"]
    assert span.status.status_code is StatusCode.UNSET


async def test_a_task_whose_time_is_up_is_an_error(work, traces):
    span = await attempt_of(
        work, traces, lambda ctx, task: asyncio.sleep(60), options={"timeout": 1}
    )

    assert span.attributes["error.type"] == "TimeoutError"
    assert span.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize("is_plain", [False, True])
async def test_a_cancelled_task_is_told(work, traces, is_plain):
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def plain(ctx, task):
        loop.call_soon_threadsafe(started.set)
        while not ctx.is_cancelled:
            pass

    async def coroutine(ctx, task):
        started.set()
        await asyncio.Event().wait()

    mux = ServeMux()
    mux.add("email", plain if is_plain else coroutine)
    async with work.serving(mux, tracing=traces.tracing), AsyncInspector(work.url) as inspector:
        info = await work.enqueue("email")
        await started.wait()
        await inspector.tasks.cancel(info.id)
        await eventually_async(lambda: traces.named("process"))

    span = traces.only("process")
    assert span.attributes["pyasynq.task.outcome"] == "cancelled"
    assert span.status.status_code is StatusCode.ERROR


async def test_the_error_handler_of_a_handler_that_goes_on_runs_inside_the_span(work, traces):
    seen, started, told = [], asyncio.Event(), asyncio.Event()

    async def go_on(ctx, task):
        started.set()
        while not told.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await told.wait()

    async def on_error(ctx, task, error):
        seen.append(current_trace())
        told.set()

    settings = {"error_handler": on_error, "cancel_grace": 0.01}
    mux = ServeMux()
    mux.add("email", go_on)
    async with (
        work.serving(mux, tracing=traces.tracing, **settings),
        AsyncInspector(work.url) as inspector,
    ):
        info = await work.enqueue("email")
        await started.wait()
        await inspector.tasks.cancel(info.id)
        await told.wait()

    assert seen == [ids(traces.only("process"))]


async def test_a_task_that_goes_back_at_the_stop_is_told(work, traces):
    started = asyncio.Event()

    async def handle(ctx, task):
        started.set()
        await asyncio.Event().wait()

    mux = ServeMux()
    mux.add("email", handle)
    async with work.serving(mux, tracing=traces.tracing, shutdown_timeout=0.01):
        await work.enqueue("email")
        await started.wait()

    span = traces.only("process")
    assert span.attributes["pyasynq.task.outcome"] == "requeued"
    assert span.status.status_code is StatusCode.UNSET


async def test_a_task_of_a_worker_that_died_is_recovered_in_its_trace(work, traces):
    request = traces.tracer.start_span("request")
    headers = {"traceparent": traceparent(request)}
    work.abandon(await work.client.enqueue(Task("email", b"{}", headers=headers)))

    async with work.serving(ServeMux(), tracing=traces.tracing, **LATE):
        await eventually_async(lambda: traces.named("recover"))

    span = traces.only("recover default")
    assert is_child(span, request)
    assert span.kind is SpanKind.CLIENT
    assert span.attributes["pyasynq.task.outcome"] == "retried"
    assert events(span) == ["exception", "retry scheduled"]
    assert span.status.status_code is StatusCode.ERROR


async def test_texts_of_exceptions_can_be_left_out(work):
    traces = Traces()
    traces.tracing = OpenTelemetry(traces.provider, exception_texts=False)

    span = await attempt_of(work, traces, lambda ctx, task: raising(ValueError("card 4111")))

    assert "4111" not in span.to_json()
    assert span.events[0].attributes == {"exception.type": "ValueError"}
    assert span.status.description == "ValueError"


async def test_a_value_of_a_payload_is_never_told(work, traces):
    error = PayloadError("expected int")
    error.value = "card 4111"

    span = await attempt_of(work, traces, lambda ctx, task: raising(error))

    assert "4111" in str(error)
    assert "4111" not in span.to_json()


async def test_a_traced_server_keeps_no_error_of_a_task(work, traces):
    mux = ServeMux()
    kept = []

    @mux.handler("email")
    async def handle(ctx, task):
        kept.append(ctx._running)
        raise ValueError("bad")

    async with work.serving(mux, tracing=traces.tracing, **LATE):
        await work.enqueue("email")
        await eventually_async(lambda: traces.named("process"))

    assert kept[0].error is None


async def test_listeners_still_get_the_error(app, traces):
    heard = []

    @app.on("failed")
    async def failed(event):
        heard.append(event.error)

    @app.task(**LATE)
    async def fail() -> None:
        raise ValueError("bad")

    async with app.server().running(app.mux):
        await fail.aenqueue()
        await eventually_async(lambda: heard)

    assert isinstance(heard[0], ValueError)
    assert events(traces.only("process")) == ["exception", "retry scheduled"]
