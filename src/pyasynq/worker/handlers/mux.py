"""Which handler runs a task: by its exact type, else by the longest beginning of it.

And which function aggregates a group.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Unpack, get_args, overload

import msgspec

from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError
from pyasynq.events.event import SERVER_EVENTS, TaskEventName, WorkerEventName
from pyasynq.events.listeners import Listeners, S, T, W
from pyasynq.functions.form import is_coroutine_function, is_generator_function
from pyasynq.functions.redefinition import is_redefined
from pyasynq.options import EnqueueOptions, name_fault
from pyasynq.retry import IsFailure, RetryDelay
from pyasynq.task import Task
from pyasynq.wire.handled import ANY_TEXT
from pyasynq.worker.handlers.aggregators import A, Aggregations, GroupLimits
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.handlers.handler_path import HandlerPath
from pyasynq.worker.handlers.middleware import (
    AsyncMiddleware,
    Middleware,
    PlainMiddleware,
    middleware_fault,
)

Handler = Callable[[TaskContext[Any], Task], Awaitable[bytes | None] | bytes | None]
H = TypeVar("H", bound=Handler)


OnInvalidResult = Literal["complete", "archive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettings:
    """What one handler wants different from its server; None: as the server.

    Attributes:
        retry_delay: (times retried, error, task) → wait before the next attempt.
        is_failure: whether an exception counts as a failure.
        max_deferrals: how many RetryLater in a row are granted; the next one is a failure.
            None: any number.
        executor: "process" runs the handler in a process of its own, which can be killed; None:
            a coroutine function on the event loop, a plain one in a thread.
        on_invalid_result: what becomes of a task whose work is done, but whose result cannot be
            stored: "complete" it without a result, or "archive" it; it never runs again by itself.
    """

    retry_delay: RetryDelay | None = None
    is_failure: IsFailure | None = None
    max_deferrals: int | None = None
    executor: Literal["process"] | None = None
    on_invalid_result: OnInvalidResult = "complete"


AS_SERVER = TaskSettings()


def prefix_of(pattern: str) -> str | None:
    """Return what the types begin with that a *pattern* of an App stands for; None for a type."""
    return pattern.removesuffix(ANY_TEXT) if pattern.endswith(ANY_TEXT) else None


def executor_fault(value: object) -> str | None:
    """Return what is wrong with a value of executor; None if it is good."""
    if value is None or value == "process":
        return None
    return f'executor must be "process" or None, not {value!r}'


def on_invalid_result_fault(value: object) -> str | None:
    """Return what is wrong with a value of on_invalid_result; None if it is good."""
    allowed = get_args(OnInvalidResult)
    return (
        None if value in allowed else f"on_invalid_result must be one of {allowed}, not {value!r}"
    )


class Route(msgspec.Struct, frozen=True):
    """A handler and the pattern it was registered with.

    Attributes:
        prefix: of the types that it handles beside the pattern itself; None if there are none.
        path: where a process of its own finds the handler, if it runs in one.
    """

    pattern: str
    prefix: str | None
    handler: Handler
    settings: TaskSettings
    is_async: bool
    path: HandlerPath | None

    @property
    def types(self) -> str:
        """What it handles: a type, or the beginning of types with ``*`` behind it."""
        return self.pattern if self.prefix is None else self.prefix + ANY_TEXT


class ServeMux:
    """A table of handlers.

    A pattern is a task type or the beginning of types. An exact match wins, else the longest
    pattern that the type begins with; there is no separator, ``email:`` is just text. The tasks of
    an App are added with `is_exact`, so that a type is nothing but itself.

    Attributes:
        around_threads: middlewares outside of all others, for what is bound to a thread: they run
            in the thread or the process of a plain handler, and in that of plain middlewares, but
            not around what runs on the event loop only. Functions at the top level of a module.
        around_coroutines: likewise, coroutine functions around those handlers that are coroutine
            functions themselves.
        archives_unknown: whether a task of a type that nothing handles is archived at once.
        usual_options: with which options the tasks of a type are usually enqueued, as far as that
            is known; a server warns of what it could not run.
        periodic_tasks: type and options of each task that the process of the server enqueues
            again and again besides.
        redis: what handlers in processes of their own enqueue to; None leaves that to their code.
    """

    def __init__(self) -> None:
        self._routes: dict[str, Route] = {}
        self._longest_first: list[tuple[str, Route]] = []
        self.middlewares: list[Middleware] = []
        self.around_threads: list[PlainMiddleware] = []
        self.around_coroutines: list[AsyncMiddleware] = []
        self.archives_unknown = False
        self.aggregations: Aggregations = Aggregations()
        self.listeners: Listeners = Listeners("mux", SERVER_EVENTS)
        self.usual_options: dict[str, EnqueueOptions] = {}
        self.periodic_tasks: list[tuple[str, EnqueueOptions]] = []
        self.redis: ConnectionOptions | None = None

    def add(
        self,
        pattern: str,
        handler: Handler,
        *,
        settings: TaskSettings = AS_SERVER,
        path: HandlerPath | None = None,
        is_exact: bool = False,
    ) -> None:
        """Register *handler* for *pattern*; a function that is defined again replaces itself.

        Coroutine functions run on the event loop, plain functions in threads, and those whose
        settings say so in processes of their own.

        Args:
            settings: how its tasks are retried and run; as the server says if not given.
            path: where a process of its own finds the handler, if not under its own name.
            is_exact: only tasks of the very type *pattern* match, unless it ends with ``*``, which
                stands for any text.

        Raises:
            ConfigError: the pattern is blank or taken, the handler cannot be called or is a
                generator function, or a process of its own could not find it.
        """
        ConfigError.raise_if([name_fault("pattern", pattern)])
        if not isinstance(settings, TaskSettings):
            raise ConfigError(f"settings must be TaskSettings, not {type(settings).__name__}")
        faults: list[str | None] = []
        if not callable(handler):
            faults.append(f"handler of {pattern!r} must be callable, not {handler!r}")
        elif is_generator_function(handler):
            faults.append(f"handler of {pattern!r} is a generator function, which would never run")
        old = self._routes.get(pattern)
        if old is not None and not is_redefined(old.handler, handler):
            faults.append(f"pattern {pattern!r} has a handler already")
        faults.append(executor_fault(settings.executor))
        faults.append(on_invalid_result_fault(settings.on_invalid_result))
        ConfigError.raise_if(faults)
        if settings.executor is not None and path is None:
            path = HandlerPath.of(handler)
        prefix = prefix_of(pattern) if is_exact else pattern
        route = Route(pattern, prefix, handler, settings, is_coroutine_function(handler), path)
        self._routes[pattern] = route
        self._longest_first = [each for each in self._longest_first if each[1] is not old]
        if prefix is not None:
            self._longest_first.append((prefix, route))
            self._longest_first.sort(key=lambda each: len(each[0]), reverse=True)

    def handler(self, pattern: str, *, settings: TaskSettings = AS_SERVER) -> Callable[[H], H]:
        """Register the decorated function for *pattern*; see `add`.

        Raises:
            ConfigError: the pattern is the function itself, of a decorator without parentheses.
        """
        if callable(pattern):
            raise ConfigError('a handler needs a task type; write `@mux.handler("email:welcome")`')

        def register(handler: H) -> H:
            self.add(pattern, handler, settings=settings)
            return handler

        return register

    def aggregator(self, pattern: str, **limits: Unpack[GroupLimits]) -> Callable[[A], A]:
        """Register the decorated function for the groups that match *pattern*.

        It gets the name of the group and its tasks, the oldest first (those of one second by
        ID), and returns the one task in their place, which goes to the same queue, or None to
        drop them. A coroutine function runs on the event loop, a plain one in a thread. If it
        fails, the tasks go back to their group within three minutes.

        Args:
            pattern: a group, or a pattern with ``*``, ``?`` and ``[…]``; the longest one wins.
            limits: ``grace_period``, ``max_delay`` and ``max_size``, as the fields of
                `ServerConfig` that begin with ``group_``; those apply where one is not given.

        Raises:
            ConfigError: names every fault; or the pattern is taken.
        """
        return self.aggregations.register(pattern, limits)

    def use(self, *middlewares: Middleware) -> None:
        """Put *middlewares* around every handler; the first used is the outermost.

        They also see tasks without a handler, whose failure is a HandlerNotFoundError. A coroutine
        function runs on the event loop, a plain function in the thread of its task: that of a plain
        handler. Around a handler with a process of its own, plain functions that have no coroutine
        function inside of them run in that process.

        Raises:
            ConfigError: one of them is of a wrong form.
        """
        ConfigError.raise_if(middleware_fault(each) for each in middlewares)
        self.middlewares.extend(middlewares)

    @overload
    def on(self, name: TaskEventName, /, *more: TaskEventName) -> Callable[[T], T]: ...

    @overload
    def on(self, name: WorkerEventName, /, *more: WorkerEventName) -> Callable[[W], W]: ...

    @overload
    def on(self, *names: TaskEventName | WorkerEventName) -> Callable[[S], S]: ...

    def on(self, *names: Any) -> Any:
        """Call the decorated function when something happens to a task or to the server.

        ``function(event)`` gets a `TaskEvent` or a `WorkerEvent`; see `App.on`, which is the same
        for an App.

        Args:
            names: of events, such as "archived" or "worker_stopped"; at least one.

        Raises:
            ConfigError: a name is wrong or given twice, there is none, or the function is of
                another form.
        """
        return self.listeners.register(names)

    def route(self, task_type: str) -> Route | None:
        """Return the route for *task_type*; None if there is none."""
        exact = self._routes.get(task_type)
        if exact is not None:
            return exact
        for prefix, route in self._longest_first:
            if task_type.startswith(prefix):
                return route
        return None

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every route, in the order of their registration."""
        return tuple(self._routes.values())

    @property
    def patterns(self) -> tuple[str, ...]:
        """Every registered pattern, sorted."""
        return tuple(sorted(self._routes))
