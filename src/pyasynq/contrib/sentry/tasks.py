"""What Sentry is told of tasks: a tracing that is told of everything, and reports failures."""

from collections.abc import Callable, Sequence

import sentry_sdk
from sentry_sdk.utils import capture_internal_exceptions

from pyasynq.contrib.sentry import check_ins
from pyasynq.contrib.sentry.attempts import Aggregation, Attempt
from pyasynq.contrib.sentry.enqueueing import Enqueueing, TickCall, published
from pyasynq.contrib.sentry.settings import Settings
from pyasynq.tracing import Ended, Headers, NoSpan, Span, TaskFacts, TickFacts

NO_SPAN = NoSpan()
FLUSH_S = 2.0


class SentryTasks:
    """See `pyasynq.tracing.Companion`.

    Args:
        settings: returns those that count now; None while nothing is to be told.
    """

    def __init__(self, settings: Callable[[], Settings | None]) -> None:
        self._settings = settings

    def enqueue(self, *, task_type: str, queue: str, body_size: int, address: str) -> Span:
        """Begin the span of a call that stores one task."""
        del address
        return self._enqueueing(published(task_type, queue, body_size))

    def enqueue_many(self, *, task_type: str, queue: str, address: str) -> Span:
        """Begin the span of a call that stores many tasks."""
        del address
        return self._enqueueing(published(task_type, queue, None))

    def tick(self, task: TickFacts) -> Span:
        """Return what the task of a tick carries."""
        settings = self._settings()
        if settings is None:
            return NO_SPAN
        with capture_internal_exceptions():
            headers = check_ins.headers_of(task) if settings.monitor_periodic_tasks else {}
            return TickCall(headers)
        return NO_SPAN

    def process(self, task: TaskFacts) -> Span:
        """Begin an attempt, with scopes of its own."""
        settings = self._settings()
        if settings is None:
            return NO_SPAN
        with capture_internal_exceptions():
            return Attempt(task, settings)
        return NO_SPAN

    def aggregate(
        self, *, queue: str, group: str, members: Sequence[Headers], address: str
    ) -> Span:
        """Begin a call of an aggregator, with scopes of its own."""
        del address
        settings = self._settings()
        if settings is None:
            return NO_SPAN
        with capture_internal_exceptions():
            return Aggregation(queue, group, len(members), settings)
        return NO_SPAN

    def recover(self, task: TaskFacts, ended: Ended) -> None:
        """Report a task whose worker died, if this was its last attempt."""
        settings = self._settings()
        if settings is None:
            return
        with capture_internal_exceptions():
            Attempt(task, settings, is_traced=False).end(ended)

    def flush(self) -> None:
        """Send what waits, for two seconds at most."""
        with capture_internal_exceptions():
            sentry_sdk.flush(timeout=FLUSH_S)

    def _enqueueing(self, name_and_data: tuple[str, dict[str, str | int]]) -> Span:
        settings = self._settings()
        if settings is None:
            return NO_SPAN
        with capture_internal_exceptions():
            return Enqueueing(*name_and_data, settings)
        return NO_SPAN
