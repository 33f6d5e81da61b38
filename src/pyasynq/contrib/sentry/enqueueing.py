"""The spans of calls that enqueue, and what tasks carry of them."""

from collections.abc import Callable, Mapping

import sentry_sdk
from sentry_sdk.utils import capture_internal_exceptions

from pyasynq.contrib.sentry.settings import ORIGIN, Settings, carried
from pyasynq.tracing import Ended

Data = dict[str, str | int]


def published(task_type: str, queue: str, body_size: int | None) -> tuple[str, Data]:
    """Return the name and the data of a span that enqueues; what is mixed or unknown is left out.

    The names of the data are those of Sentry's page about queues.
    """
    data: Data = {"messaging.system": "asynq"}
    if queue:
        data["messaging.destination.name"] = queue
    if body_size is not None:
        data["messaging.message.body.size"] = body_size
    return task_type or queue or "tasks", data


class Enqueueing:
    """A call that stores one task or many; a span if the caller is inside of one.

    See `pyasynq.tracing.Span`.
    """

    def __init__(self, name: str, data: Data, settings: Settings) -> None:
        scope = sentry_sdk.get_current_scope()
        self._span = None
        if scope.span is not None:
            self._span = scope.span.start_child(op="queue.publish", name=name, origin=ORIGIN)
            for key, value in data.items():
                self._span.set_data(key, value)
        self.headers: Mapping[str, str] = {}
        if settings.propagate_traces:
            self.headers = carried(dict(scope.iter_trace_propagation_headers(span=self._span)))

    def enter(self) -> Callable[[], None]:
        """Leave the context as it is."""
        return lambda: None

    def end(self, ended: Ended) -> None:
        """End the span; that a task exists already is no failure."""
        if self._span is None:
            return
        with capture_internal_exceptions():
            if ended.task_id:
                self._span.set_data("messaging.message.id", ended.task_id)
            if ended.count is not None:
                self._span.set_data("messaging.batch.message_count", ended.count)
            is_failure = ended.error is not None and ended.is_failure
            self._span.set_status("internal_error" if is_failure else "ok")
            self._span.finish()


class TickCall:
    """A tick of a periodic task; see `pyasynq.tracing.Span`."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers

    def enter(self) -> Callable[[], None]:
        """Leave the context as it is."""
        return lambda: None

    def end(self, ended: Ended) -> None:
        """Tell nobody: a tick that fails is in the log, which Sentry reads."""
