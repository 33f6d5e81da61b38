"""What a user has chosen, what the SDK calls us, and which headers carry a trace."""

from collections.abc import Mapping
from typing import Literal

import msgspec

IDENTIFIER = "pyasynq"
ORIGIN = f"auto.queue.{IDENTIFIER}"

TRACE_HEADERS = ("sentry-trace", "baggage", "traceparent")
LONGEST_HEADER = 8192  # characters; of W3C's baggage, and of the others less

ReportFailures = Literal["archived", "all", "none"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `PyasynqIntegration`."""

    report_failures: ReportFailures
    propagate_traces: bool
    monitor_periodic_tasks: bool


def carried(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that carry a trace, but for those that no SDK has written."""
    return {
        name: headers[name]
        for name in TRACE_HEADERS
        if name in headers and headers[name].isascii() and len(headers[name]) <= LONGEST_HEADER
    }
