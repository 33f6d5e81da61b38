"""One trace through Go and Python: Go's own OpenTelemetry writes and reads the headers of tasks."""

from pathlib import Path

from pyasynq.app import App
from pyasynq.client_async import AsyncClient
from pyasynq.task import Task
from tests.support.eventually import eventually_async
from tests.support.traces import Traces, context_of, traceparent, tree
from tests.support.workplace import QUICK

GUIDE = Path(__file__).parents[2] / "docs/guides/tracing.md"


def label(span) -> str:
    return f"{span.name:<16} {span.attributes['pyasynq.task.type']}"


async def test_a_trace_goes_from_go_through_a_python_handler_into_another_one(peer, redis_url):
    traces = Traces()
    app = App(redis_url, tracing=traces.tracing, queues={"orders": 1, "mail": 1}, **QUICK)

    @app.task("mail:receipt", queue="mail")
    async def send_receipt() -> None: ...

    @app.task("orders:place", queue="orders")
    async def place_order() -> None:
        await send_receipt.aenqueue()

    (request,) = await peer.run("enqueue-traced", "orders", "orders:place")
    async with app.server().running(app.mux):
        await eventually_async(lambda: traces.named("process mail"))
    await app.aclose()

    traced = {f"{context_of(each).trace_id:032x}" for each in traces.spans}
    assert traced == {request["trace_id"]}
    go = {int(request["span_id"], 16): "request          (Go)"}
    shown = tree(traces.spans, go, label)
    assert shown == (
        "request          (Go)\n"
        "└─ process orders   orders:place\n"
        "   └─ enqueue mail     mail:receipt\n"
        "      └─ process mail     mail:receipt"
    )
    assert shown in GUIDE.read_text()


async def test_go_reads_the_span_of_a_python_producer(peer, work, redis_url):
    traces = Traces()
    worker = await peer.serve()
    async with AsyncClient(redis_url, tracing=traces.tracing) as client:
        await client.enqueue(Task("email", b"{}"))
        await client.enqueue_many([Task("email", b"{}")])
    app = App(redis_url, tracing=traces.tracing)

    @app.task("typed")
    async def typed(number: int) -> None: ...

    for number in range(2):
        await typed.aenqueue(number)
    await app.aclose()
    await eventually_async(lambda: len(worker.printed) == 4)

    spans = {f"{context_of(each).span_id:016x}": each for each in traces.named("enqueue")}
    assert {each.get("span_id") for each in worker.printed} == set(spans), worker.printed
    for each in worker.printed:
        assert each["headers"] == {"traceparent": traceparent(spans[each["span_id"]])}
