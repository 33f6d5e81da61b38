"""The App of a project: it sends after the commit, and keeps the connections of handlers fresh."""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Unpack, get_args

from django.db import connections
from typing_extensions import ParamSpec, TypeVar, override

from pyasynq import app as core
from pyasynq.app.definition import TaskDefinition
from pyasynq.app.keywords import OnInvalidPayload
from pyasynq.app.server_keywords import ServerKeywords
from pyasynq.clock import Clock
from pyasynq.connection.connector import ConnectionSource
from pyasynq.contrib.django.clients import TransactionalClients, waiting_for
from pyasynq.contrib.django.commit import OnCommitErrors
from pyasynq.contrib.django.connections import fresh
from pyasynq.contrib.django.set_up import set_up
from pyasynq.contrib.django.transactions import OnCommit
from pyasynq.errors import ConfigError
from pyasynq.options import Duration, EnqueueOptions
from pyasynq.spelling import hint
from pyasynq.worker.handlers.aggregators import A, GroupLimits
from pyasynq.worker.handlers.middleware import is_plain
from pyasynq.worker.handlers.mux import OnInvalidResult, ServeMux

if TYPE_CHECKING:
    from pyasynq.app.harness.harness import AppHarness
    from pyasynq.app.worker import AppWorker
    from pyasynq.scheduler.scheduler import Scheduler

P = ParamSpec("P")
R = TypeVar("R")
CallR = TypeVar("CallR", default=Any)
CallP = ParamSpec("CallP", default=...)


class AppKeywords(ServerKeywords, total=False):
    """What `pyasynq.App` takes besides where Redis is."""

    name: str
    queues: Mapping[str, int] | None
    task_defaults: EnqueueOptions
    on_invalid_payload: OnInvalidPayload
    on_invalid_result: OnInvalidResult
    enqueue_patience: Duration
    clock: Clock | None


class App(core.App):
    """An App for a project of Django.

    What is enqueued inside of ``atomic`` is sent once the outermost transaction is committed, and
    never if it, or the savepoint, is rolled back. Around each handler, stale connections to the
    databases are closed in its thread.

    Args:
        source: where Redis is; see `pyasynq.App`.
        on_commit: True: wait for the transactions of all databases that are open at the call;
            False: for none; or the aliases of the databases that matter.
        on_commit_errors: what becomes of an error of Redis at the commit: "log" it, since the
            data is committed, or "raise" it where the transaction ends.
        others: all other keywords of `pyasynq.App`.

    Raises:
        ConfigError: names every fault.
    """

    _make_clients = TransactionalClients

    def __init__(
        self,
        source: ConnectionSource = None,
        *,
        on_commit: OnCommit = True,
        on_commit_errors: OnCommitErrors = "log",
        **others: Unpack[AppKeywords],
    ) -> None:
        faults = [_on_commit_fault(on_commit), _errors_fault(on_commit_errors)]
        try:
            super().__init__(source, **others)
        except ConfigError as error:
            raise ConfigError(*[each for each in faults if each], *error.faults) from None
        ConfigError.raise_if(faults)
        clients = self._clients
        if isinstance(clients, TransactionalClients):
            clients.on_commit, clients.errors = on_commit, on_commit_errors

    @property
    @override
    def mux(self) -> ServeMux:
        """A new mux with all that was registered, in a Django that is set up."""
        set_up()
        from pyasynq.contrib.django import handler_process  # noqa: PLC0415 - it sets Django up

        mux = super().mux
        mux.around_threads.append(handler_process.fresh_connections)
        mux.around_coroutines.append(handler_process.fresh_connections_of_coroutines)
        return mux

    @override
    def aggregator(self, pattern: str, **limits: Unpack[GroupLimits]) -> Callable[[A], A]:
        """Register the decorated function for the groups that match *pattern*.

        See `pyasynq.App.aggregator`; a plain function has fresh connections to the databases.
        """
        register = super().aggregator(pattern, **limits)

        def decorate(function: A) -> A:
            register(_fresh(function))
            return function

        return decorate

    @override
    def reconfigure(self, *given: Any, **changes: Any) -> None:
        """Change where Redis is and how the worker runs; see `pyasynq.App.reconfigure`."""
        set_up()  # it comes before the work, and tasks are looked for now
        super().reconfigure(*given, **changes)

    @override
    def worker(self, *, scheduler: bool = True) -> "AppWorker":
        """Return a new worker, in a Django that is set up; see `pyasynq.App.worker`."""
        set_up()
        return super().worker(scheduler=scheduler)

    @override
    def scheduler(self) -> "Scheduler":
        """Return a new scheduler, in a Django that is set up; see `pyasynq.App.scheduler`."""
        set_up()
        return super().scheduler()

    @override
    def testing(self, **given: Any) -> "AppHarness":
        """Return a context manager for tests; see `pyasynq.App.testing`."""
        set_up()
        return super().testing(**given)


def at_once(
    task: "TaskDefinition[P, R, CallR, CallP]",
) -> "TaskDefinition[P, R, CallR, CallP]":
    """Return the same task, which is sent at the call, whatever transaction is open.

    For one call, ``at_once(audit).enqueue(7)``; or for all calls as a decorator, above that of the
    App.
    """
    return _waiting(task, on_commit=False)


def after_commit(
    task: "TaskDefinition[P, R, CallR, CallP]",
) -> "TaskDefinition[P, R, CallR, CallP]":
    """Return the same task, which is sent after the commit, although its App sends at the call."""
    return _waiting(task, on_commit=True)


def _waiting(
    task: "TaskDefinition[P, R, CallR, CallP]", *, on_commit: bool
) -> "TaskDefinition[P, R, CallR, CallP]":
    if not isinstance(task, TaskDefinition):
        raise ConfigError(
            f"this takes a task, not {type(task).__name__}; write it above the @app.task(…) of "
            "the function, or around the task as in at_once(audit).enqueue(…)"
        )
    return task.sent_by(waiting_for(task._clients, on_commit))  # noqa: SLF001 - of an App


def _fresh(function: Any) -> Any:
    """Return a plain *function* with fresh connections to the databases around it."""
    if not callable(function) or not is_plain(function):
        return function

    @wraps(function)
    def called(*given: Any, **named: Any) -> Any:
        with fresh():
            return function(*given, **named)

    return called


def _on_commit_fault(given: object) -> str | None:
    if isinstance(given, bool):
        return None
    if isinstance(given, list | tuple | set | frozenset) and all(
        isinstance(each, str) for each in given
    ):
        return _aliases_fault(given)
    return f"on_commit must be True, False or a list of aliases of databases, not {given!r}"


def _aliases_fault(given: Iterable[str]) -> str | None:
    """Find names of no database: an enqueue would not wait, and nothing would tell so."""
    known = list(connections)
    unknown = next((each for each in given if each not in known), None)
    if unknown is None:
        return None
    return f"on_commit names {unknown!r}, which DATABASES does not have; {hint(unknown, known)}"


def _errors_fault(given: object) -> str | None:
    allowed = get_args(OnCommitErrors)
    return None if given in allowed else f"on_commit_errors must be one of {allowed}, not {given!r}"
