"""The context of a span as headers of a task, by the propagator that the application has set.

By default that is the W3C's: ``traceparent``, ``tracestate`` and ``baggage``.
"""

from collections.abc import Callable, Mapping

from opentelemetry import context, propagate
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import SpanContext, get_current_span
from typing_extensions import override

TRACEPARENT = "traceparent"
SAMPLED = 1  # of its flags
LONGEST_HEADER = (
    8192  # characters; the W3C asks for no more of a baggage, and of the others for less
)


class _ShortHeaders(Getter[Mapping[str, str]]):
    """Reads headers, but for those that nobody who propagates a context has written."""

    @override
    def get(self, carrier: Mapping[str, str], key: str) -> list[str] | None:
        value = carrier.get(key)
        return None if value is None or len(value) > LONGEST_HEADER else [value]

    @override
    def keys(self, carrier: Mapping[str, str]) -> list[str]:
        return list(carrier)


_getter = _ShortHeaders()


def headers_of(found: Context) -> dict[str, str]:
    """Return the headers that carry a context; what is too long for one is left out."""
    headers: dict[str, str] = {}
    propagate.inject(headers, found)
    if TRACEPARENT in headers:
        headers[TRACEPARENT] = _for_every_reader(headers[TRACEPARENT])
    return {
        name: value
        for name, value in headers.items()
        if value.isascii() and len(value) <= LONGEST_HEADER
    }


def _for_every_reader(traceparent: str) -> str:
    """Return the header with no other flag than that of sampling.

    Python's SDK sets a second one, "random", of the draft for level 2 of the W3C's text. Go's
    library knows it since v1.42, and those before take such a header for none at all.
    """
    head, flags = traceparent[:-2], traceparent[-2:]
    return f"{head}0{int(flags, 16) & SAMPLED}" if head.startswith("00-") else traceparent


def context_of(headers: Mapping[str, str]) -> Context:
    """Return the context that *headers* carry; an empty one if they carry none.

    The caller's own context plays no part: a worker that was started inside a span is not the
    parent of the tasks that it runs.
    """
    root = Context()
    return propagate.extract(headers, root, _getter) if headers else root


def span_context_of(headers: Mapping[str, str]) -> SpanContext | None:
    """Return the span that *headers* carry; None if they carry none."""
    found = get_current_span(context_of(headers)).get_span_context()
    return found if found.is_valid else None


def attach(headers: Mapping[str, str]) -> Callable[[], None]:
    """Make the context that *headers* carry the caller's; return what undoes that."""
    return entered(context_of(headers))


def entered(found: Context) -> Callable[[], None]:
    """Make a context the caller's; return what undoes that."""
    token = context.attach(found)
    return lambda: context.detach(token)
