"""Makes spans of what happens to tasks, by OpenTelemetry's conventions for messaging.

enqueue       PRODUCER   messaging.operation.type send     around the call that stores tasks
process       CONSUMER   process                           an attempt to run a task
aggregate     CONSUMER   process                           a call of an aggregator
recover       CLIENT     settle                            the end of an attempt nobody ended
"""

from collections.abc import Sequence
from functools import lru_cache

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    SpanKind,
    TracerProvider,
    get_tracer,
    set_span_in_context,
)

from pyasynq.errors import ConfigError
from pyasynq.opentelemetry.carrier import context_of, span_context_of
from pyasynq.opentelemetry.spans import Attributes, OpenSpan, Troubles
from pyasynq.tracing import Ended, Headers, NoSpan, Span, TaskFacts, TickFacts
from pyasynq.version import __version__

MOST_LINKS = 128  # of one span; the limit of the SDK

NO_SPAN = NoSpan()


class OpenTelemetry:
    """Traces tasks: give it to an App, a Client, a Server or a Scheduler as ``tracing``.

    A span is made for each call that enqueues, each attempt of a worker, each call of an
    aggregator and each recovery. The headers of a task carry its context, so that one trace goes
    through all programs. Whatever an SDK or an exporter does, no task fails because of it; the
    first failure is logged. Its methods are called by pyasynq.

    Args:
        tracer_provider: makes the spans; the global one if not given, also if that is set later.
        exception_texts: whether spans tell the messages and tracebacks of exceptions, and the
            reasons of `RetryLater`. If not, only their types are told.

    Raises:
        ConfigError: an argument is of another form.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, *, exception_texts: bool = True
    ) -> None:
        faults: list[str] = []
        if tracer_provider is not None and not hasattr(tracer_provider, "get_tracer"):
            kind = type(tracer_provider).__name__
            faults.append(f"tracer_provider must be a TracerProvider, not {kind}")
        if not isinstance(exception_texts, bool):
            faults.append(f"exception_texts must be True or False, not {exception_texts!r}")
        ConfigError.raise_if(faults)
        self._tracer = get_tracer("pyasynq", __version__, tracer_provider)
        self._tells_texts = exception_texts
        self._troubles = Troubles()

    def enqueue(self, *, task_type: str, queue: str, body_size: int, address: str) -> Span:
        """Begin the span of a call that stores one task of *body_size* bytes at *address*."""
        attributes = _attributes("enqueue", "send", queue, task_type, address)
        attributes["messaging.message.body.size"] = body_size
        return self._begin("enqueue", queue, SpanKind.PRODUCER, attributes)

    def enqueue_many(self, *, task_type: str, queue: str, address: str) -> Span:
        """Begin the span of a call that stores many tasks at *address*."""
        attributes = _attributes("enqueue", "send", queue, task_type, address)
        return self._begin("enqueue", queue, SpanKind.PRODUCER, attributes)

    def tick(self, task: TickFacts) -> Span:
        """Begin the span of a tick that enqueues a task."""
        attributes = _attributes("enqueue", "send", task.queue, task.type, "")
        attributes["messaging.message.body.size"] = task.body_size
        attributes["pyasynq.scheduler.entry_id"] = task.entry_id
        return self._begin("enqueue", task.queue, SpanKind.PRODUCER, attributes, Context())

    def process(self, task: TaskFacts) -> Span:
        """Begin the span of an attempt."""
        attributes = _attributes("process", "process", task.queue, task.type, task.address)
        attributes |= _of_task(task)
        return self._begin_of_task("process", task, SpanKind.CONSUMER, attributes)

    def aggregate(
        self, *, queue: str, group: str, members: Sequence[Headers], address: str
    ) -> Span:
        """Begin the span of a call of an aggregator; *members* are the headers of the tasks.

        The span links to those of the members; *address* is where Redis is.
        """
        attributes = _attributes("aggregate", "process", queue, "", address)
        attributes["messaging.batch.message_count"] = len(members)
        attributes["pyasynq.group"] = group
        try:
            links = _links(members)
        except Exception as error:  # noqa: BLE001 - a propagator of the application's
            self._troubles.note(error)
            links = []
        return self._begin(
            "aggregate", queue, SpanKind.CONSUMER, attributes, Context(), links=links
        )

    def recover(self, task: TaskFacts, ended: Ended) -> None:
        """Make the span of a recovery, with what *ended* the attempt."""
        attributes = _attributes("recover", "settle", task.queue, task.type, task.address)
        attributes |= _of_task(task)
        self._begin_of_task("recover", task, SpanKind.CLIENT, attributes).end(ended)

    def _begin_of_task(
        self, name: str, task: TaskFacts, kind: SpanKind, attributes: Attributes
    ) -> Span:
        try:
            parent = context_of(task.headers)
        except Exception as error:  # noqa: BLE001 - a propagator of the application's
            self._troubles.note(error)
            parent = Context()
        return self._begin(name, task.queue, kind, attributes, parent)

    def _begin(
        self,
        name: str,
        queue: str,
        kind: SpanKind,
        attributes: Attributes,
        parent: Context | None = None,
        *,
        links: Sequence[Link] = (),
    ) -> Span:
        """Begin a span; its parent is in *parent*, or in the caller's context."""
        full_name = f"{name} {queue}" if queue else name
        try:
            span = self._tracer.start_span(full_name, parent, kind, attributes, links)
            context = set_span_in_context(span, parent)
        except Exception as error:  # noqa: BLE001 - samplers and processors may be called here
            self._troubles.note(error)
            return NO_SPAN
        return OpenSpan(span, context, name, self._troubles, tells_texts=self._tells_texts)


def _attributes(
    operation: str, operation_type: str, queue: str, task_type: str, address: str
) -> Attributes:
    attributes: Attributes = {
        "messaging.system": "asynq",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation_type,
    }
    if queue:
        attributes["messaging.destination.name"] = queue
    if task_type:
        attributes["pyasynq.task.type"] = task_type
    if address:
        attributes.update(_server(address))
    return attributes


def _of_task(task: TaskFacts) -> Attributes:
    attributes: Attributes = {
        "messaging.message.id": task.id,
        "messaging.message.body.size": len(task.payload),
        "messaging.client.id": task.server_id,
        "pyasynq.task.attempt": task.attempt,
        "pyasynq.task.max_retry": task.max_retry,
    }
    if task.wait_s is not None:
        attributes["pyasynq.task.wait_seconds"] = task.wait_s
    return attributes


@lru_cache(maxsize=64)
def _server(address: str) -> dict[str, str | int]:
    """Return the attributes of "host:port", or of the path of a socket; of no several addresses."""
    if "," in address:
        return {}
    host, _colon, port = address.rpartition(":")
    if host and port.isdecimal():
        return {"server.address": host, "server.port": int(port)}
    return {"server.address": address} if address.startswith("/") else {}


def _links(members: Sequence[Headers]) -> list[Link]:
    """Return links with the spans that have enqueued *members*, each once."""
    found = []
    seen: set[tuple[int, int]] = set()
    for headers in members:
        context = span_context_of(headers) if headers else None
        if context is None or (context.trace_id, context.span_id) in seen:
            continue
        seen.add((context.trace_id, context.span_id))
        found.append(Link(context))
        if len(found) == MOST_LINKS:
            break
    return found
