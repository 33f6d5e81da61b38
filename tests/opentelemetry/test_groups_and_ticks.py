"""Spans of aggregates and of ticks."""

import asyncio
from datetime import UTC, datetime

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from pyasynq import App, Task
from pyasynq.clock import FakeClock
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.entry import Policy, make_entry
from pyasynq.scheduler.hooks import Hooks
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.ticker import Ticker
from pyasynq.tracing import Ended, current_trace
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.builders import make_scheduler_resources
from tests.support.eventually import eventually_async
from tests.support.traces import context_of, events, is_child, traceparent

NINE = datetime(2025, 1, 6, 9, tzinfo=UTC)


@pytest.mark.parametrize("is_plain", [False, True])
async def test_an_aggregate_goes_on_in_a_span_that_is_linked_with_those_of_its_members(
    work, traces, is_plain
):
    seen = []
    mux = ServeMux()

    def joined(group, tasks):
        seen.append(current_trace().span_id)
        return Task("digest", b"%d" % len(tasks))

    async def awaited(group, tasks):
        await asyncio.sleep(0)
        return joined(group, tasks)

    @mux.handler("digest")
    async def handle(ctx, task): ...

    mux.aggregator("*", max_size=3)(joined if is_plain else awaited)
    requests = [traces.tracer.start_span(name) for name in ("one", "two")]
    carried = [{"traceparent": traceparent(each)} for each in (*requests, requests[0])]
    for headers in carried:
        await work.client.enqueue(Task("item", b"{}", headers=headers), group="letters")
    async with work.serving(mux, tracing=traces.tracing, group_grace_period=1):
        await eventually_async(lambda: traces.named("process"))

    span, attempt = traces.only("aggregate default"), traces.only("process default")
    assert span.kind is SpanKind.CONSUMER
    assert span.parent is None
    assert {each.context.span_id for each in span.links} == {
        context_of(each).span_id for each in requests
    }
    assert span.attributes["messaging.batch.message_count"] == 3
    assert span.attributes["pyasynq.group"] == "letters"
    assert is_child(attempt, span)
    assert seen == [f"{context_of(span).span_id:016x}"]


async def test_links_are_bounded(traces):
    members = [{"traceparent": traceparent(traces.tracer.start_span("a"))} for _ in range(200)]

    traces.tracing.aggregate(queue="a", group="g", members=members, address="").end(Ended())

    assert len(traces.only("aggregate").links) == 128


async def test_an_aggregator_that_fails_is_an_error_of_its_span(work, traces):
    mux = ServeMux()

    @mux.aggregator("*", max_size=1)
    def broken(group, tasks):
        raise ValueError("no digest")

    await work.enqueue("item", group="letters")
    async with work.serving(mux, tracing=traces.tracing, group_grace_period=1):
        await eventually_async(lambda: traces.named("aggregate"))

    span = traces.only("aggregate")
    assert span.status.status_code is StatusCode.ERROR
    assert "ValueError: no digest" in span.status.description


class Ticking:
    def __init__(self, url, traces, *entries):
        self.clock = FakeClock(NINE)
        self.resources = make_scheduler_resources(
            url, self.clock, {each.id: each for each in entries}, tracing=traces.tracing
        )
        self.ticker = Ticker(self.resources, Leadership(self.resources), Hooks())

    async def tick(self) -> int:
        made = await self.ticker.fire_due()
        self.clock.advance(60)
        return made


def entry(policy=None, **options):
    return make_entry(
        "shop", "@every 1m", Task("report", b"{}"), EnqueueOptions(**options), policy=policy
    )


@pytest.fixture
async def ticking(redis_url, traces):
    made = []

    def start(*entries):
        made.append(Ticking(redis_url, traces, *entries))
        return made[-1]

    yield start
    for each in made:
        await each.resources.runner.close()


async def test_each_tick_that_is_enqueued_begins_a_trace_that_its_task_carries(
    ticking, traces, work
):
    schedule = ticking(entry())
    with traces.tracer.start_as_current_span("start of the program"):
        assert [await schedule.tick() for _ in range(3)] == [0, 1, 1]

    first, second = traces.named("enqueue default")
    assert first.kind is SpanKind.PRODUCER
    assert first.parent is None
    assert first.attributes["pyasynq.task.type"] == "report"
    assert first.attributes["pyasynq.scheduler.entry_id"] == entry().id
    assert context_of(first).trace_id != context_of(second).trace_id
    pending = work.redis.lrange("asynq:{default}:pending", 0, -1)
    by_id = {each.attributes["messaging.message.id"].encode(): each for each in (first, second)}
    assert set(by_id) == set(pending)
    for task_id, span in by_id.items():
        data = work.redis.hget(b"asynq:{default}:t:" + task_id, "msg")
        assert traceparent(span).encode() in data


def test_ticks_in_a_test_of_an_app_are_traced_as_those_of_a_scheduler(traces):
    app = App(tracing=traces.tracing)

    @app.periodic("@every 1m", unique=90)
    def sweep() -> None: ...

    with app.testing() as harness:
        harness.clock.advance(120)
        (task,) = harness.tasks()

    span = traces.only("enqueue")
    assert span.attributes["messaging.message.id"] == task.id
    assert task.options.headers["traceparent"] == traceparent(span)


async def test_ticks_that_pass_without_a_task_have_no_span(ticking, traces):
    skipping = ticking(entry(policy=Policy(overlap="skip")))
    locked = ticking(entry(unique=3600))

    assert [await skipping.tick() for _ in range(4)] == [0, 1, 0, 0]
    assert [await locked.tick() for _ in range(3)] == [0, 1, 0]

    assert [each.name for each in traces.spans] == ["enqueue default"] * 2


async def test_a_tick_that_cannot_be_enqueued_is_an_error(ticking, traces):
    schedule = ticking(entry(unique_key="a"))

    assert [await schedule.tick() for _ in range(2)] == [0, 0]

    span = traces.only("enqueue")
    assert events(span) == ["exception"]
    assert span.status.status_code is StatusCode.ERROR


async def test_the_scheduler_of_an_app_is_traced_with_the_app(redis_url, traces):
    app = App(redis_url, tracing=traces.tracing)

    assert app.scheduler()._tracing is traces.tracing
