"""Lets ``opentelemetry-instrument`` switch tracing on, without a change of the application.

The command looks for entry points and calls `instrument` of what it finds there. So this is no
subclass of its ``BaseInstrumentor``, for which another package would be needed.
"""

from typing import Any

from pyasynq import tracing
from pyasynq.opentelemetry.tracer import OpenTelemetry


class PyasynqInstrumentor:
    """Traces whatever is made without a ``tracing`` of its own, from then on."""

    def instrument(self, *, tracer_provider: Any = None, **_others: object) -> None:
        """Switch tracing on for each App, client, server and scheduler that is made later.

        Args:
            tracer_provider: makes the spans; the global one if not given.
        """
        tracing.set_default(OpenTelemetry(tracer_provider))

    def uninstrument(self, **_others: object) -> None:
        """Switch it off again, for those that are made later."""
        tracing.set_default(None)
