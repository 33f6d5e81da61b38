"""One attempt to run a task: scopes of its own, a transaction, and the report of its failure."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import sentry_sdk
from sentry_sdk.scope import Scope
from sentry_sdk.utils import capture_internal_exceptions

from pyasynq.contrib.sentry import check_ins
from pyasynq.contrib.sentry.private_data import sends_payloads
from pyasynq.contrib.sentry.reports import arguments_of, report_of
from pyasynq.contrib.sentry.settings import IDENTIFIER, ORIGIN, Settings, carried
from pyasynq.tracing import Ended, TaskFacts

STATUSES = {
    "done": "ok",
    "completed": "ok",
    "dropped": "ok",
    "cancelled": "cancelled",
    "deferred": "aborted",
    "requeued": "aborted",
    "lost": "aborted",
}
"""The status of a transaction by the outcome of its attempt; that of any other is a failure."""


class Scopes:
    """Scopes that nobody else writes into: tags and breadcrumbs of one attempt stay with it."""

    __slots__ = ("current", "isolation")

    def __init__(self) -> None:
        self.isolation = Scope.get_isolation_scope().fork()
        self.isolation.clear_breadcrumbs()
        self.current = Scope.get_current_scope().fork()
        self.current.span = None

    def enter(self) -> Callable[[], None]:
        """Make them those of the caller's context; return what undoes that."""
        isolation, current = Scope.get_isolation_scope(), Scope.get_current_scope()
        self._set(self.isolation, self.current)
        return lambda: self._set(isolation, current)

    @staticmethod
    def _set(isolation: Scope, current: Scope) -> None:
        Scope.set_isolation_scope(isolation)
        Scope.set_current_scope(current)


class Attempt:
    """See `pyasynq.tracing.Span`.

    Args:
        is_traced: whether it is a transaction, if the SDK is to have any.
    """

    __slots__ = ("_scopes", "_settings", "_task", "_transaction")

    def __init__(self, task: TaskFacts, settings: Settings, *, is_traced: bool = True) -> None:
        self._task, self._settings = task, settings
        self._scopes = Scopes()
        _describe(self._scopes.isolation, task)
        self._transaction: Any = None
        with capture_internal_exceptions():  # whatever the headers hold, the task has its scopes
            self._transaction = self._begun(is_traced=is_traced)
        if is_traced:
            self._check_in(check_ins.begin)

    @property
    def headers(self) -> Mapping[str, str]:
        """What carries its trace, to the process of its handler."""
        with capture_internal_exceptions():
            return dict(self._scopes.current.iter_trace_propagation_headers(span=self._transaction))
        return {}

    def enter(self) -> Callable[[], None]:
        """Make its scopes those of the caller's context; return what undoes that."""
        return self._scopes.enter()

    def end(self, ended: Ended) -> None:
        """Report a failure if it is to be reported, and end the transaction."""
        with capture_internal_exceptions():
            leave = self.enter()
            try:
                self._end(ended)
            finally:
                leave()

    def _end(self, ended: Ended) -> None:
        if not self._task.is_apart and _is_reported(ended, self._settings):
            with capture_internal_exceptions():
                sentry_sdk.capture_event(*report_of(self._task, ended))
        self._check_in(partial(check_ins.end, ended=ended))
        if self._transaction is not None:
            if ended.outcome:
                self._transaction.set_data("pyasynq.outcome", ended.outcome)
            self._transaction.set_status(_status(ended))
            self._transaction.finish()

    def _check_in(self, tell: Callable[[TaskFacts], None]) -> None:
        if self._settings.monitor_periodic_tasks and not self._task.is_apart:
            with capture_internal_exceptions():
                tell(self._task)

    def _begun(self, *, is_traced: bool) -> Any:
        """Go on with the trace of the task, in a transaction; None if there is to be none."""
        task, scopes = self._task, self._scopes
        transaction = scopes.isolation.continue_trace(
            carried(task.headers) if self._settings.propagate_traces else {},
            op="queue.process",
            name=task.type,
            source="task",
            origin=ORIGIN,
        )
        is_streaming = sentry_sdk.get_client().options.get("trace_lifecycle") == "stream"
        if is_streaming or not is_traced:  # the SDK makes no transactions while it streams
            return None
        sampling = {"pyasynq_task": {"type": task.type, "queue": task.queue, "id": task.id}}
        begun = scopes.current.start_transaction(transaction, custom_sampling_context=sampling)
        scopes.current.span = begun
        for name, value in _data_of(task).items():
            begun.set_data(name, value)
        return begun


class Aggregation:
    """A call of an aggregator; see `pyasynq.tracing.Span`."""

    __slots__ = ("_scopes", "headers")

    def __init__(self, queue: str, group: str, count: int, settings: Settings) -> None:
        self._scopes = Scopes()
        isolation = self._scopes.isolation
        isolation.set_new_propagation_context()
        isolation.set_tag("queue", queue)
        isolation.set_tag("group", group)
        isolation.set_context(IDENTIFIER, {"queue": queue, "group": group, "members": count})
        headers = dict(isolation.iter_trace_propagation_headers())
        self.headers: Mapping[str, str] = carried(headers) if settings.propagate_traces else {}

    def enter(self) -> Callable[[], None]:
        """Make its scopes those of the caller's context; return what undoes that."""
        return self._scopes.enter()

    def end(self, ended: Ended) -> None:
        """Tell nobody: an aggregator that fails is in the log, which Sentry reads."""


def _describe(scope: Scope, task: TaskFacts) -> None:
    """Say in all that is captured within a scope which attempt it belongs to."""
    scope.set_transaction_name(task.type, source="task")
    facts = {
        "task_type": task.type,
        "task_id": task.id,
        "queue": task.queue,
        "attempt": task.attempt,
    }
    for name, value in facts.items():
        scope.set_tag(name, value)
    last = {"max_retry": task.max_retry, "server_id": task.server_id}
    scope.set_context(IDENTIFIER, {**facts, **last})

    def add_arguments(event: Any, _hint: Any) -> Any:
        with capture_internal_exceptions():
            if event.get("type") is None and sends_payloads(sentry_sdk.get_client().options):
                context = event.setdefault("contexts", {}).setdefault(IDENTIFIER, {})
                event["contexts"][IDENTIFIER] = {**context, "arguments": arguments_of(task.payload)}
        return event

    scope.add_event_processor(add_arguments)


def _data_of(task: TaskFacts) -> dict[str, str | int | float]:
    """Return what Sentry's page about queues asks for."""
    data: dict[str, str | int | float] = {
        "messaging.system": "asynq",
        "messaging.message.id": task.id,
        "messaging.destination.name": task.queue,
        "messaging.message.body.size": len(task.payload),
        "messaging.message.retry.count": task.attempt - 1,
    }
    if task.wait_s is not None:
        data["messaging.message.receive.latency"] = 1000 * task.wait_s  # milliseconds
    return data


def _is_reported(ended: Ended, settings: Settings) -> bool:
    """Whether an outcome is reported; a cancellation was asked for, a lost task runs elsewhere."""
    if ended.error is None or settings.report_failures == "none":
        return False
    if ended.outcome == "retried":
        return ended.is_failure and settings.report_failures == "all"
    return ended.outcome == "archived"


def _status(ended: Ended) -> str:
    if isinstance(ended.error, TimeoutError):
        return "deadline_exceeded"
    if not ended.outcome:  # in the process of a handler, which does not decide
        return "ok" if ended.error is None else "internal_error"
    if ended.outcome == "retried" and not ended.is_failure:
        return "aborted"
    return STATUSES.get(ended.outcome, "internal_error")
