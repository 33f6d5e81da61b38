"""What is broken in traces harms no task: headers, propagators, samplers, processors, exporters."""

import logging

import pytest
from opentelemetry import propagate
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from pyasynq import AsyncClient, Task
from pyasynq.opentelemetry import OpenTelemetry
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async
from tests.support.traces import Traces, traceparent

BAD = [
    {"traceparent": "garbage"},
    {"traceparent": ""},
    {"traceparent": "00-" + "0" * 32 + "-" + "0" * 16 + "-01"},
    {"traceparent": "ff-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"},
    {"traceparent": "é\n\x00" * 1000},
    {"traceparent": "x" * 100_000, "tracestate": "=,=,"},
    {"baggage": "a=" + "b" * 10_000},
    {"baggage": ";;;,,,==%%%", "tracestate": "\x00"},
]


async def run_one(work, tracing, headers=None):
    """Run one task; return whether it was done."""
    mux, done = ServeMux(), []

    @mux.handler("email")
    async def handle(ctx, task):
        done.append(task)

    async with work.serving(mux, tracing=tracing):
        async with AsyncClient(work.url, tracing=tracing) as client:
            await client.enqueue(Task("email", b"{}", headers=headers or {}))
            await client.enqueue_many([Task("email", b"{}", headers=headers or {})])
        await eventually_async(lambda: work.count("processed") == 2)
    return len(done)


@pytest.mark.parametrize("headers", BAD)
async def test_a_task_with_broken_headers_is_run_in_a_span(work, traces, headers):
    assert await run_one(work, traces.tracing, headers) == 2

    assert len(traces.named("process")) == 2


async def test_a_long_baggage_does_not_hide_the_trace(work, traces, caplog):
    request = traces.tracer.start_span("request")
    headers = {"traceparent": traceparent(request), "baggage": "a=" + "b" * 10_000}

    await run_one(work, traces.tracing, headers)

    parents = {each.parent.span_id for each in traces.named("process")}
    assert parents == {request.get_span_context().span_id}
    assert "bbbb" not in caplog.text


class Raising(SpanProcessor, Sampler):
    """Raises wherever the SDK calls it."""

    def on_start(self, span, parent_context=None):
        raise ValueError("on start")

    def on_end(self, span):
        raise ValueError("on end")

    def should_sample(self, *args, **kwargs):
        raise ValueError("in the sampler")

    def get_description(self):
        return "raising"


class RaisingAtEnd(Raising):
    def on_start(self, span, parent_context=None): ...


class RaisingPropagator:
    fields = frozenset()

    def inject(self, *args, **kwargs):
        raise ValueError("inject")

    def extract(self, *args, **kwargs):
        raise ValueError("extract")


@pytest.mark.parametrize("where", ["sampler", "on_start", "on_end", "propagator"])
async def test_an_sdk_that_raises_harms_no_task_and_is_logged_once(
    work, where, caplog, monkeypatch
):
    traces = Traces(sampler=Raising() if where == "sampler" else ALWAYS_ON)
    if where in ("on_start", "on_end"):
        traces.provider.add_span_processor(Raising() if where == "on_start" else RaisingAtEnd())
    if where == "propagator":
        monkeypatch.setattr(propagate, "get_global_textmap", RaisingPropagator)

    with caplog.at_level(logging.WARNING, "pyasynq.tracing"):
        assert await run_one(work, traces.tracing, {"from": "me"}) == 2

    told = [each.getMessage() for each in caplog.records if each.name == "pyasynq.tracing"]
    assert told == ["tracing failed with ValueError; tasks go on without their spans"]


async def test_a_provider_whose_spans_are_nonsense_harms_no_task(work):
    class Provider:
        def get_tracer(self, *args, **kwargs):
            return self

        def start_span(self, *args, **kwargs):
            return None

    assert await run_one(work, OpenTelemetry(Provider())) == 2
