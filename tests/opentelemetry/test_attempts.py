"""Spans of attempts: what they say, and what runs inside of them."""

import asyncio
import json
import logging
from itertools import pairwise

import pytest
from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, StatusCode

from pyasynq import Task
from pyasynq.tracing import Trace, current_trace
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.handlers.mux import ServeMux
from tests.support import traced_handlers
from tests.support.eventually import eventually_async
from tests.support.traces import (
    LATE,
    attempt_of,
    context_of,
    events,
    ids,
    is_child,
    nothing,
    traceparent,
)


async def test_an_attempt_is_a_consumer_span_below_the_one_that_the_task_carries(work, traces):
    request = traces.tracer.start_span("request")
    headers = {"traceparent": traceparent(request), "tracestate": "vendor=7"}

    span = await attempt_of(
        work, traces, nothing, headers, options={"task_id": "a", "max_retry": 3}
    )

    assert (span.name, span.kind) == ("process default", SpanKind.CONSUMER)
    assert is_child(span, request)
    assert context_of(span).trace_state.get("vendor") == "7"
    told = dict(span.attributes)
    assert 0 <= told.pop("pyasynq.task.wait_seconds") < 60
    assert len(told.pop("messaging.client.id")) == 36
    assert told.pop("server.address")
    assert told == {
        "messaging.system": "asynq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "default",
        "messaging.message.id": "a",
        "messaging.message.body.size": 2,
        "pyasynq.task.type": "email",
        "pyasynq.task.attempt": 1,
        "pyasynq.task.max_retry": 3,
        "pyasynq.task.outcome": "done",
    }
    assert (span.status.status_code, events(span)) == (StatusCode.UNSET, [])


async def test_a_task_without_a_context_begins_a_trace_even_if_the_server_runs_in_a_span(
    work, traces
):
    with traces.tracer.start_as_current_span("start of the program"):
        span = await attempt_of(work, traces, nothing)

    assert span.parent is None


@pytest.mark.parametrize("kind", ["coroutine", "waiting coroutine", "plain"])
async def test_a_handler_runs_inside_the_span_of_its_attempt(work, traces, kind):
    seen = []

    async def coroutine(ctx, task):
        seen.append(current_trace())

    async def waiting(ctx, task):
        await asyncio.sleep(0)
        seen.append(current_trace())

    def plain(ctx, task):
        seen.append(current_trace())

    handle = {"coroutine": coroutine, "waiting coroutine": waiting, "plain": plain}[kind]
    span = await attempt_of(work, traces, handle)

    assert seen == [ids(span)]
    assert current_trace() is None


async def test_a_coroutine_that_a_plain_function_returns_runs_inside_the_span(work, traces):
    seen = []

    async def later():
        await asyncio.sleep(0)
        seen.append(current_trace())

    span = await attempt_of(work, traces, lambda ctx, task: later())

    assert seen == [ids(span)]


@pytest.mark.parametrize("is_plain", [False, True])
async def test_middlewares_of_both_kinds_run_inside_the_span(work, traces, is_plain):
    seen = []
    mux = ServeMux()

    async def outer(ctx, call_next):
        seen.append(current_trace())
        return await call_next(ctx)

    def inner(ctx, call_next):
        seen.append(current_trace())
        return call_next(ctx)

    def plain(ctx, task):
        seen.append(current_trace())

    async def coroutine(ctx, task):
        seen.append(current_trace())

    mux.use(outer, inner)
    mux.add("email", plain if is_plain else coroutine)
    async with work.serving(mux, tracing=traces.tracing):
        await work.enqueue("email")
        await eventually_async(lambda: traces.named("process"))

    assert seen == [ids(traces.only("process"))] * 3


@pytest.mark.parametrize("waits", [False, True])
async def test_tasks_that_share_an_asyncio_task_or_run_side_by_side_keep_their_spans_apart(
    work, traces, waits
):
    seen, own, asyncio_tasks = {}, {}, set()

    async def handle(ctx, task):
        asyncio_tasks.add(id(asyncio.current_task()))
        before = current_trace()
        with traces.tracer.start_as_current_span("inside") as span:
            own[ctx.task_id] = span
            if waits:
                await asyncio.sleep(0.001)
            assert current_trace() == ids(span)
        seen[ctx.task_id] = before, current_trace()

    mux = ServeMux()
    mux.add("email", handle)
    infos = [await work.enqueue("email") for _ in range(10)]
    async with work.serving(mux, tracing=traces.tracing, concurrency=10):
        await eventually_async(lambda: len(traces.named("process")) == 10)

    spans = {each.attributes["messaging.message.id"]: each for each in traces.named("process")}
    for info in infos:
        assert seen[info.id] == (ids(spans[info.id]),) * 2
        assert is_child(own[info.id], spans[info.id])
    assert len({context_of(each).trace_id for each in spans.values()}) == 10
    assert (len(asyncio_tasks) == 1) is not waits


async def test_a_span_that_a_handler_leaves_entered_is_not_met_by_the_next_task(work, traces):
    seen = []

    async def handle(ctx, task):
        seen.append(current_trace())
        context.attach(trace.set_span_in_context(traces.tracer.start_span("left")))

    mux = ServeMux()
    mux.add("email", handle)
    for _ in range(5):
        await work.enqueue("email")
    async with work.serving(mux, tracing=traces.tracing, concurrency=5):
        await eventually_async(lambda: len(traces.named("process")) == 5)

    assert seen == [ids(each) for each in traces.named("process")]


async def test_plain_functions_side_by_side_keep_their_spans_apart(work, traces):
    seen = {}

    def handle(ctx, task):
        with traces.tracer.start_as_current_span("inside") as span:
            seen[ctx.task_id] = span.parent.span_id

    mux = ServeMux()
    mux.add("email", handle)
    for _ in range(20):
        await work.enqueue("email")
    async with work.serving(mux, tracing=traces.tracing, concurrency=20):
        await eventually_async(lambda: len(traces.named("process")) == 20)

    spans = {each.attributes["messaging.message.id"]: each for each in traces.named("process")}
    assert seen == {task_id: context_of(span).span_id for task_id, span in spans.items()}


async def test_what_a_handler_enqueues_continues_the_trace(app, traces):
    seen = []

    @app.task
    async def second() -> None:
        seen.append(current_trace())

    @app.task
    async def first() -> None:
        await second.aenqueue()

    async with app.server().running(app.mux):
        with traces.tracer.start_as_current_span("request") as request:
            await first.aenqueue()
        await eventually_async(lambda: len(traces.named("process")) == 2)

    chain = [request, *(each for each in traces.spans if each.name != "request")]
    assert [each.name for each in chain[1:]] == ["enqueue default", "process default"] * 2
    for parent, child in pairwise(chain):
        assert is_child(child, parent)


@pytest.mark.slow
async def test_a_process_of_its_own_goes_on_with_the_span(work, traces):
    request = traces.tracer.start_span("request")
    headers = {"traceparent": traceparent(request), "baggage": "tenant=7"}
    settings = {"process_pool_size": 1, "tracing": traces.tracing, **LATE}
    async with work.serving(traced_handlers.mux, **settings):
        kept = {"retention": 60}
        seen = await work.client.enqueue(Task("seen", b"{}", headers=headers), **kept)
        awaited = await work.enqueue("awaited", **kept)
        enqueues = await work.enqueue("enqueues", work.url.encode(), **kept)
        again = await work.enqueue("seen", **kept)
        failing = await work.enqueue("fails")
        await eventually_async(lambda: len(traces.named("process")) == 5)
        await work.until(again, "completed")
        await work.until(failing, "retry")

    spans = {each.attributes["messaging.message.id"]: each for each in traces.named("process")}

    def told(info):
        return work.redis.hget(f"asynq:{{default}}:t:{info.id}", "result")

    first, second = json.loads(told(seen)), json.loads(told(again))
    assert is_child(spans[seen.id], request)
    assert Trace(*first["trace"]) == ids(spans[seen.id])
    assert first["inside"][0] == ids(spans[seen.id]).trace_id
    assert first["parent"] == ids(spans[seen.id]).span_id
    assert first["baggage"] == "7"
    assert Trace(*second["trace"]) == ids(spans[again.id])
    assert second["baggage"] is None
    assert Trace(*json.loads(told(awaited))["trace"]) == ids(spans[awaited.id])
    assert told(enqueues).decode().split("-")[1] == ids(spans[enqueues.id]).trace_id
    assert spans[failing.id].attributes["error.type"] == "ValueError"
    assert first["pid"] == second["pid"]


@pytest.mark.slow
async def test_a_process_of_a_worker_without_tracing_has_no_trace(work):
    async with work.serving(traced_handlers.mux, process_pool_size=1):
        info = await work.enqueue("seen", retention=60)
        await work.until(info, "completed")

    result = work.redis.hget(f"asynq:{{default}}:t:{info.id}", "result")
    assert json.loads(result)["trace"] is None


@pytest.mark.parametrize(
    ("since", "wait_s"),
    [("9" * 400, None), ("-1", None), (str(2**62), 0)],
    ids=["no number of 64 bits", "negative", "in the future"],
)
async def test_no_wait_is_told_of_a_task_that_claims_another_one(work, traces, since, wait_s):
    mux = ServeMux()
    mux.add("email", nothing)
    info = await work.enqueue("email")
    work.redis.hset(queue_keys("default").task(info.id), "pending_since", since)

    async with work.serving(mux, tracing=traces.tracing):
        await eventually_async(lambda: traces.named("process"))

    assert traces.only("process").attributes.get("pyasynq.task.wait_seconds") == wait_s


async def test_a_line_about_an_outcome_tells_the_trace_of_no_other_task(work, traces, caplog):
    told = []

    def hear(line):
        if hasattr(line, "outcome"):
            told.append((line.outcome, current_trace()))
        return True

    caplog.set_level(logging.DEBUG, "pyasynq.task")
    caplog.handler.addFilter(hear)
    mux = ServeMux()
    mux.add("email", nothing)
    async with work.serving(mux, tracing=traces.tracing):
        await work.enqueue("email")
        await eventually_async(lambda: told)

    assert told == [("done", None)]
