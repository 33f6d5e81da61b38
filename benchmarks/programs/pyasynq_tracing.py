"""The parameter `tracing`: what makes the spans of pyasynq, if anything does.

"api" is OpenTelemetry without an SDK; the others have one: "sampled out", which makes no span;
"memory", which keeps each in a list; and "batch", which exports them in a thread, to nowhere.
"""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from typing_extensions import override

from pyasynq.opentelemetry import OpenTelemetry

KINDS = ("api", "sampled out", "memory", "batch")


class Nowhere(SpanExporter):
    """Makes the text of each span, as an exporter must, and sends it nowhere."""

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            span.to_json(indent=None)
        return SpanExportResult.SUCCESS


def tracing_of(kind: str) -> OpenTelemetry:
    """Return what makes the spans."""
    if kind == "api":
        return OpenTelemetry()
    provider = TracerProvider(
        sampler=ALWAYS_OFF if kind == "sampled out" else ALWAYS_ON, shutdown_on_exit=False
    )
    if kind == "memory":
        provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    elif kind == "batch":
        provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    return OpenTelemetry(provider)
