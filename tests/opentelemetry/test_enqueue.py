"""Spans of calls that enqueue, and the context that their tasks carry."""

import asyncio

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode, TraceFlags, use_span

from pyasynq import App, AsyncClient, Client, ConfigError, Task
from pyasynq.errors import DuplicateTaskError, RedisUnavailableError
from pyasynq.opentelemetry import OpenTelemetry
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.worker.config import ServerConfig
from tests.support.builders import NOWHERE
from tests.support.ports import free_port
from tests.support.traces import Traces, context_of, events, is_child, traceparent

MAIL = Task("mail:welcome", b'{"user":1}')


@pytest.fixture
async def client(redis_url, traces):
    async with AsyncClient(redis_url, tracing=traces.tracing) as client:
        yield client


async def test_an_enqueue_is_a_producer_span_by_the_conventions_for_messaging(
    redis_server, traces, redis_url
):
    url = f"redis://127.0.0.1:{redis_server.port}/0"
    async with AsyncClient(url, tracing=traces.tracing) as client:
        info = await client.enqueue(MAIL, queue="mail")

    (span,) = traces.spans
    assert (span.name, span.kind) == ("enqueue mail", SpanKind.PRODUCER)
    assert dict(span.attributes) == {
        "messaging.system": "asynq",
        "messaging.operation.name": "enqueue",
        "messaging.operation.type": "send",
        "messaging.destination.name": "mail",
        "messaging.message.id": info.id,
        "messaging.message.body.size": 10,
        "pyasynq.task.type": "mail:welcome",
        "server.address": "127.0.0.1",
        "server.port": redis_server.port,
    }
    assert span.status.status_code is StatusCode.UNSET


async def test_a_task_carries_the_context_of_its_span_as_headers(client, traces, work):
    with traces.tracer.start_as_current_span("request") as request:
        info = await client.enqueue(MAIL)

    span = traces.only("enqueue")
    assert is_child(span, request)
    assert info.headers == {"traceparent": traceparent(span)}
    assert work.message(info).headers == info.headers


async def test_baggage_goes_with_the_task(client):
    token = context.attach(baggage.set_baggage("tenant", "7"))
    try:
        info = await client.enqueue(MAIL)
    finally:
        context.detach(token)

    assert info.headers["baggage"] == "tenant=7"


async def test_a_header_of_the_users_own_wins(client):
    mine = {"traceparent": "mine", "from": "me"}

    in_task = await client.enqueue(Task("a", b"{}", headers=mine))
    in_options = await client.enqueue(MAIL, headers=mine)

    assert in_task.headers == in_options.headers == mine


def test_a_blocking_client_makes_the_same_span(redis_url, traces):
    with (
        Client(redis_url, tracing=traces.tracing) as client,
        traces.tracer.start_as_current_span("request") as request,
    ):
        info = client.enqueue(MAIL, queue="mail")

    span = traces.only("enqueue mail")
    assert is_child(span, request)
    assert info.headers == {"traceparent": traceparent(span)}


async def test_many_tasks_of_one_call_are_one_span(client, traces, work):
    tasks = [MAIL, (MAIL, EnqueueOptions(retention=60)), MAIL]

    results = await client.enqueue_many(tasks)

    span = traces.only("enqueue default")
    assert span.attributes["messaging.batch.message_count"] == 3
    assert span.attributes["messaging.destination.name"] == "default"
    assert "messaging.message.id" not in span.attributes
    for each in results:
        assert work.message(each.info).headers == {"traceparent": traceparent(span)}
    assert work.message(results[1].info).retention == 60


async def test_a_call_for_several_queues_names_none(client, traces):
    await client.enqueue_many([MAIL, (MAIL, EnqueueOptions(queue="mail"))])

    (span,) = traces.spans
    assert span.name == "enqueue"
    assert "messaging.destination.name" not in span.attributes


@pytest.mark.parametrize("payload", ["", "x", "x" * 200])
async def test_a_typed_task_carries_its_span_in_the_first_call_and_in_all_later_ones(
    app, traces, work, payload
):
    @app.task("mail:welcome", queue="mail")
    async def welcome(text: str) -> None: ...

    handles = [await welcome.aenqueue(payload) for _ in range(3)]

    spans = traces.named("enqueue mail")
    for handle, span in zip(handles, spans, strict=True):
        info = await handle.ainfo()
        assert info.headers == {"traceparent": traceparent(span)}
        assert span.attributes["pyasynq.task.type"] == "mail:welcome"
        assert span.attributes["messaging.message.id"] == handle.id
        assert welcome.arguments(Task(info.type, info.payload)) == {"text": payload}


async def test_options_of_a_typed_task_apply_beside_its_headers(app, work):
    @app.task("mail:welcome", headers={"from": "me"}, retention=60)
    async def welcome(text: str) -> None: ...

    info = await (await welcome.aenqueue("x")).ainfo()

    assert info.headers["from"] == "me"
    assert "traceparent" in info.headers
    assert info.retention.total_seconds() == 60


def test_a_blocking_bulk_of_typed_calls_is_a_span_for_each_chunk(redis_url, traces):

    app = App(redis_url, tracing=traces.tracing)

    @app.task
    def add(a: int, b: int) -> None: ...

    batch = add.enqueue_many([(n, n) for n in range(1001)])

    first, second = traces.named("enqueue default")
    counts = [each.attributes["messaging.batch.message_count"] for each in (first, second)]
    headers = [batch.handles[place].info().headers for place in (0, 999, 1000)]
    app.close()
    assert counts == [1000, 1]
    assert [each["traceparent"] for each in headers] == [
        traceparent(first),
        traceparent(first),
        traceparent(second),
    ]


async def test_a_duplicate_is_recorded_but_no_error_of_the_span(client, traces):
    await client.enqueue(MAIL, unique=60)
    with pytest.raises(DuplicateTaskError):
        await client.enqueue(MAIL, unique=60)

    first, second = traces.named("enqueue")
    assert events(first) == []
    assert events(second) == ["exception"]
    assert second.events[0].attributes["exception.type"] == "pyasynq.errors.DuplicateTaskError"
    assert second.status.status_code is StatusCode.UNSET
    assert "error.type" not in second.attributes


async def test_duplicates_among_many_are_counted(client, traces):
    await client.enqueue_many([MAIL, MAIL, (MAIL, EnqueueOptions(task_id="a"))] * 2)
    await client.enqueue_many([(MAIL, EnqueueOptions(unique=60))] * 3)

    first, second = traces.named("enqueue")
    assert first.attributes["pyasynq.enqueue.refused"] == 1
    assert second.attributes["pyasynq.enqueue.refused"] == 2
    assert {first.status.status_code, second.status.status_code} == {StatusCode.UNSET}


@pytest.mark.parametrize("many", [False, True])
async def test_a_redis_that_does_not_answer_is_an_error_of_the_span(traces, many):
    url = f"redis://127.0.0.1:{free_port()}"
    async with AsyncClient(url, tracing=traces.tracing, enqueue_patience=0) as client:
        with pytest.raises(RedisUnavailableError):
            await (client.enqueue_many([MAIL, MAIL]) if many else client.enqueue(MAIL))

    span = traces.only("enqueue")
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "pyasynq.errors.RedisUnavailableError"


async def test_a_task_that_cannot_be_stored_ends_its_span_with_the_error(client, traces):
    with pytest.raises(ConfigError):
        await client.enqueue(MAIL, unique_key="a")
    with pytest.raises(ConfigError):
        await client.enqueue_many([MAIL, "no task"])

    assert [each.status.status_code for each in traces.spans] == [StatusCode.ERROR] * 2


async def test_a_request_that_is_not_sampled_makes_no_span_but_says_so(redis_url):

    traces = Traces(sampler=ALWAYS_OFF)
    async with AsyncClient(redis_url, tracing=traces.tracing) as client:
        info = await client.enqueue(MAIL)

    assert traces.spans == []
    flags = int(info.headers["traceparent"].rpartition("-")[2], 16)
    assert not flags & TraceFlags.SAMPLED


async def test_a_client_without_tracing_leaves_the_headers_alone(work, traces):
    with use_span(traces.tracer.start_span("request")):
        info = await work.enqueue("a")

    assert info.headers == {}


async def test_a_context_that_others_made_is_passed_on_without_an_sdk(redis_url, traces):
    """As in a program that only has the API: its own spans are none, but the trace goes on."""
    request = traces.tracer.start_span("request")
    async with AsyncClient(redis_url, tracing=OpenTelemetry()) as client:
        with use_span(request):
            info = await client.enqueue(MAIL)
        alone = await client.enqueue(MAIL)

    assert info.headers == {"traceparent": traceparent(request)}
    assert alone.headers == {}
    assert traces.named("enqueue") == []


@pytest.mark.parametrize("given", [True, object(), OpenTelemetry, "otel"])
def test_what_is_no_tracing_is_refused(given):

    for make in (Client, AsyncClient, App, Scheduler):
        with pytest.raises(ConfigError, match=r"tracing must be OpenTelemetry\(\)"):
            make(NOWHERE, tracing=given)
    with pytest.raises(ConfigError, match=r"tracing must be OpenTelemetry\(\)"):
        ServerConfig(tracing=given)


def test_a_wrong_argument_of_open_telemetry_is_refused():
    with pytest.raises(ConfigError) as refused:
        OpenTelemetry("mine", exception_texts="yes")

    assert len(refused.value.faults) == 2


async def test_the_trace_of_a_task_is_one_although_calls_run_side_by_side(client, traces):
    async def request(number):
        with traces.tracer.start_as_current_span(f"request {number}") as span:
            info = await client.enqueue(MAIL)
            return span, info

    made = await asyncio.gather(*(request(number) for number in range(20)))

    by_id = {each.attributes["messaging.message.id"]: each for each in traces.named("enqueue")}
    for span, info in made:
        assert is_child(by_id[info.id], span)
        assert info.headers == {"traceparent": traceparent(by_id[info.id])}
    assert len({context_of(span).trace_id for span, _ in made}) == 20
