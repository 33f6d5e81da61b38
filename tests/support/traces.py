"""The spans of a test, kept in memory, and a trace as a tree of text."""

from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, SpanContext

from pyasynq import Task, retry
from pyasynq.opentelemetry import OpenTelemetry
from pyasynq.tracing import Trace
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async
from tests.support.workplace import Workplace

LATE = {"retry_delay": retry.fixed(3600)}


class Traces:
    """A tracer provider of one test, and what it has made."""

    def __init__(self, **settings: Any) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, **settings)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = OpenTelemetry(self.provider)
        self.tracer = self.provider.get_tracer("test")

    @property
    def spans(self) -> list[ReadableSpan]:
        """All that have ended, in the order of their beginnings."""
        return sorted(self._exporter.get_finished_spans(), key=lambda each: each.start_time)

    def named(self, name: str) -> list[ReadableSpan]:
        """Those whose names begin with *name*."""
        return [each for each in self.spans if each.name.startswith(name)]

    def only(self, name: str) -> ReadableSpan:
        """The only one whose name begins with *name*."""
        (found,) = self.named(name)
        return found


def traceparent(span: ReadableSpan | Span) -> str:
    """Return the header that carries the context of *span*, as a reader of any age takes it."""
    context = context_of(span)
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-0{context.trace_flags & 1}"


def context_of(span: ReadableSpan | Span) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def is_child(child: ReadableSpan, parent: ReadableSpan | Span) -> bool:
    """Whether *parent* is the parent of *child*, in the same trace."""
    context = context_of(parent)
    return (
        child.parent is not None
        and child.parent.span_id == context.span_id
        and context_of(child).trace_id == context.trace_id
    )


def events(span: ReadableSpan) -> list[str]:
    return [each.name for each in span.events]


def tree(
    spans: list[ReadableSpan],
    remote: dict[int, str] | None = None,
    label: Callable[[ReadableSpan], str] = lambda span: span.name,
) -> str:
    """Return the spans of one trace as a tree of text.

    Args:
        remote: the names of spans that others have made, by their IDs.
        label: what is written of a span.
    """
    known = {context_of(each).span_id for each in spans}
    children: dict[int | None, list[ReadableSpan]] = {}
    for each in spans:
        children.setdefault(each.parent.span_id if each.parent else None, []).append(each)
    lines: list[str] = []

    def write(parent: int | None, depth: int) -> None:
        for each in children.get(parent, []):
            lines.append("   " * (depth - 1) + ("└─ " if depth else "") + label(each))
            write(context_of(each).span_id, depth + 1)

    for span_id, name in (remote or {}).items():
        lines.append(name)
        write(span_id, 1)
    for parent in children:
        if parent is None or (parent not in known and parent not in (remote or {})):
            write(parent, 0)
    return "\n".join(lines)


async def attempt_of(work: Workplace, traces: Traces, handle, headers=None, **settings):
    """Run one task, and return the span of its first attempt."""
    mux = ServeMux()
    mux.add("email", handle)
    options = settings.pop("options", {})
    async with work.serving(mux, tracing=traces.tracing, **LATE, **settings):
        await work.client.enqueue(Task("email", b"{}", headers=headers or {}), **options)
        await eventually_async(lambda: traces.named("process"))
    return traces.only("process")


async def nothing(ctx, task):
    pass


def ids(span: ReadableSpan) -> Trace:
    """Return the IDs of *span*, as a handler inside of it is told them."""
    context = context_of(span)
    return Trace(f"{context.trace_id:032x}", f"{context.span_id:016x}")
