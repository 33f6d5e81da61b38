"""Traces of tasks with OpenTelemetry; needs the extra ``otel``.

from pyasynq.opentelemetry import OpenTelemetry

app = App("redis://localhost", tracing=OpenTelemetry())
"""

try:
    import opentelemetry.trace as _api
except ImportError as error:
    raise ImportError(
        "pyasynq.opentelemetry needs opentelemetry-api; run: pip install 'pyasynq[otel]'"
    ) from error

from pyasynq.opentelemetry.carrier import attach
from pyasynq.opentelemetry.instrumentor import PyasynqInstrumentor
from pyasynq.opentelemetry.tracer import OpenTelemetry

del _api

__all__ = ["OpenTelemetry", "PyasynqInstrumentor", "attach"]
