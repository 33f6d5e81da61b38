"""One span, which never harms a task."""

import logging
from collections.abc import Callable, Iterator, Mapping

import msgspec
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from pyasynq.clock import to_datetime
from pyasynq.errors import PayloadError
from pyasynq.opentelemetry.carrier import entered, headers_of
from pyasynq.tracing import Ended
from pyasynq.wire.error_text import message_of
from pyasynq.wire.message import clean_text
from pyasynq.wire.traceback_text import traceback_text

logger = logging.getLogger("pyasynq.tracing")

LONGEST_MESSAGE_BYTES = 4096
LONGEST_STACKTRACE_BYTES = 32_768

Attributes = dict[str, AttributeValue]


class Troubles(msgspec.Struct):
    """What goes wrong in a tracer, its processors or exporters: logged once, and nothing else."""

    has_logged: bool = False

    def note(self, error: Exception) -> None:
        """Log the first failure."""
        if not self.has_logged:
            self.has_logged = True
            name = type(error).__qualname__
            logger.warning("tracing failed with %s; tasks go on without their spans", name)


class OpenSpan:
    """A span of a tracer; see `pyasynq.tracing.Span`.

    Args:
        context: that of the span.
        name: what it is called without its queue.
        tells_texts: whether the texts of exceptions are told.
    """

    __slots__ = ("_context", "_name", "_span", "_tells_texts", "_troubles")

    def __init__(
        self, span: Span, context: Context, name: str, troubles: Troubles, *, tells_texts: bool
    ) -> None:
        self._span, self._context, self._name = span, context, name
        self._troubles, self._tells_texts = troubles, tells_texts

    @property
    def headers(self) -> Mapping[str, str]:
        """What carries its context."""
        try:
            return headers_of(self._context)
        except Exception as error:  # noqa: BLE001 - a propagator of the application's
            self._troubles.note(error)
            return {}

    def enter(self) -> Callable[[], None]:
        """Make it the current span; return what undoes that."""
        return entered(self._context)

    def end(self, ended: Ended) -> None:
        """Tell how it ended, and end it."""
        try:
            if self._span.is_recording():
                self._tell(ended)
        except Exception as error:  # noqa: BLE001 - whatever the SDK does
            self._troubles.note(error)
        try:
            self._span.end()
        except Exception as error:  # noqa: BLE001 - processors and exporters may be called here
            self._troubles.note(error)

    def _tell(self, ended: Ended) -> None:
        span = self._span
        attributes: Attributes = dict(_attributes(ended))
        if ended.error is not None:
            attributes |= self._tell_error(ended.error, is_failure=ended.is_failure)
        span.set_attributes(attributes)
        if ended.queue:
            span.update_name(f"{self._name} {ended.queue}")
        if ended.retry_at_ns is not None:
            self._tell_retry(ended.retry_at_ns, ended)

    def _tell_error(self, error: BaseException, *, is_failure: bool) -> Attributes:
        """Add the event of an exception; return the attributes of the span that it brings."""
        kind = type(error)
        name = kind.__qualname__
        if kind.__module__ != "builtins":
            name = f"{kind.__module__}.{name}"
        event: Attributes = {"exception.type": name}
        if self._tells_texts:
            event["exception.message"] = _message(error)
            text = traceback_text(error)
            event["exception.stacktrace"] = clean_text(text, LONGEST_STACKTRACE_BYTES)
        self._span.add_event("exception", event)
        if not is_failure:
            return {}
        description = _message(error) if self._tells_texts else name
        self._span.set_status(Status(StatusCode.ERROR, description))
        return {"error.type": name}

    def _tell_retry(self, at_ns: int, ended: Ended) -> None:
        event: Attributes = {
            "pyasynq.retry.at": to_datetime(at_ns).isoformat(),
            "pyasynq.retry.delay_seconds": ended.delay_s,
        }
        if ended.reason and self._tells_texts:
            event["pyasynq.retry.reason"] = clean_text(ended.reason, LONGEST_MESSAGE_BYTES)
        self._span.add_event("retry scheduled", event)


def _attributes(ended: Ended) -> Iterator[tuple[str, AttributeValue]]:
    if ended.outcome:
        yield "pyasynq.task.outcome", ended.outcome
    if ended.task_id:
        yield "messaging.message.id", ended.task_id
    if ended.queue:
        yield "messaging.destination.name", ended.queue
    if ended.count is not None:
        yield "messaging.batch.message_count", ended.count
    if ended.refused:
        yield "pyasynq.enqueue.refused", ended.refused


def _message(error: BaseException) -> str:
    message = error.text_without_value if isinstance(error, PayloadError) else message_of(error)
    return clean_text(message, LONGEST_MESSAGE_BYTES)
