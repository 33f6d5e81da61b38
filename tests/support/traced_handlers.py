"""Handlers for processes of their own that tell in which trace they run, and go on with it."""

import json
import os

from opentelemetry import baggage
from opentelemetry.sdk.trace import TracerProvider

from pyasynq import App
from pyasynq.opentelemetry import OpenTelemetry
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.tracing import current_trace
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings

PROCESS = TaskSettings(executor="process")
mux = ServeMux()
provider = TracerProvider(shutdown_on_exit=False)


@mux.handler("seen", settings=PROCESS)
def seen(ctx, task):
    trace = current_trace()
    with provider.get_tracer("child").start_as_current_span("inside") as span:
        inside = current_trace()
    told = {
        "trace": trace,
        "inside": inside,
        "parent": f"{span.parent.span_id:016x}" if span.parent else None,
        "baggage": baggage.get_baggage("tenant"),
        "pid": os.getpid(),
    }
    return json.dumps(told).encode()


@mux.handler("awaited", settings=PROCESS)
async def awaited(ctx, task):
    return json.dumps({"trace": current_trace()}).encode()


@mux.handler("enqueues", settings=PROCESS)
def enqueues(ctx, task):
    app = App(task.payload.decode(), tracing=OpenTelemetry(provider))
    (result,) = app.enqueue_many([(Task("next", b"{}"), EnqueueOptions(queue="others"))])
    app.close()
    return result.info.headers["traceparent"].encode()


@mux.handler("fails", settings=PROCESS)
def fails(ctx, task):
    raise ValueError("no")
