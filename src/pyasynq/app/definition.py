"""A decorated function: a task that can be enqueued, and a function that can still be called."""

import asyncio
import importlib
import inspect
import sys
from collections.abc import Callable, Coroutine
from functools import update_wrapper
from pickle import PicklingError
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    Protocol,
    Self,
    Unpack,
    cast,
    overload,
)

from typing_extensions import ParamSpec, TypeVar, override

from pyasynq.app.advice import ATTRIBUTES_OF_A_TASK, no_attribute, on_arguments
from pyasynq.app.clients import Clients
from pyasynq.app.handle import TaskHandle
from pyasynq.app.spec import TaskSpec
from pyasynq.app.typed_handler import handler_of
from pyasynq.errors import ConfigError
from pyasynq.options import EnqueueOptions, OptionKeywords
from pyasynq.task import Task, TaskInfo
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.handlers.mux import ANY_TEXT, Handler

P = ParamSpec("P")
R = TypeVar("R")
# The function as it is written: with the context, and for a coroutine function not yet awaited.
# Users write TaskDefinition[P, R]; these two are for the type checkers.
# CallP comes last: Python 3.13.0 cannot subscript a class where a TypeVar follows such a default.
CallR = TypeVar("CallR", default=Any)
CallP = ParamSpec("CallP", default=...)


class TaskDefinition(Generic[P, R, CallR, CallP]):
    """A function as a task; made by `App.task`.

    P are the parameters in the payload, R is what the function returns. Calling the definition
    calls the function itself, as it is written, and enqueues nothing: a context, if it takes one,
    must be passed, and a coroutine function must be awaited.
    """

    def __init__(self, spec: TaskSpec, clients: Clients, options: EnqueueOptions) -> None:
        self._spec = spec
        self._clients = clients
        self._options = options
        update_wrapper(self, spec.function)
        if spec.is_async:
            _mark_as_coroutine_function(self)

    def __call__(self, *args: CallP.args, **kwargs: CallP.kwargs) -> CallR:
        """Call the function; nothing is enqueued."""
        function = cast("Callable[CallP, CallR]", self._spec.function)  # as App.task took it
        return function(*args, **kwargs)

    if not TYPE_CHECKING:  # type checkers shall find what does not exist

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(self, "a task", name, ATTRIBUTES_OF_A_TASK)

    @property
    def type(self) -> str:
        """The task type, or a pattern of types such as ``mail:*``."""
        return self._spec.type

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other types that the function handles."""
        return self._spec.aliases

    @property
    def spec(self) -> TaskSpec:
        """What the decorator was given, checked."""
        return self._spec

    @property
    def task_handler(self) -> Handler:
        """What a worker runs: (context, task) → the result as it is stored."""
        return handler_of(self._spec)

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> TaskHandle[R]:
        """Enqueue a call of the function.

        Inside a running event loop it works, but blocks the loop and warns once.

        Raises:
            TypeError: an argument is missing or unknown; nothing was sent.
            PayloadError: an argument does not fit its annotation; nothing was sent.
            DuplicateTaskError, TaskIdConflictError, RedisUnavailableError: see `Client.enqueue`.
        """
        task = self.bind(*args, **kwargs)
        self._clients.warn_inside_loop(f"enqueue of task {self.type!r}", instead="aenqueue")
        info = self._clients.client().enqueue(task)
        return self._handle(info)

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> TaskHandle[R]:
        """Enqueue a call of the function; like `enqueue`, for async code."""
        task = self.bind(*args, **kwargs)
        client = await self._clients.async_client()
        info = await client.enqueue(task)
        return self._handle(info)

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Task:
        """Return the task that `enqueue` would store, with its type, payload and options.

        Raises:
            TypeError, PayloadError: see `enqueue`.
            ConfigError: the type is a pattern, which stands for many types.
        """
        if self.type.endswith(ANY_TEXT):
            raise ConfigError(
                f"{self.type!r} stands for many types, and a task has one; name one and let the "
                f'pattern be an alias, as in @app.task("mail", aliases=[{self.type!r}])'
            )
        try:
            payload = self._spec.codec.encode(*args, **kwargs)
        except TypeError as error:
            advice = on_arguments(self._spec.function, kwargs)
            if advice is None:
                raise
            raise TypeError(f"{error}; {advice}") from None
        return Task(self.type, payload, options=self._options)

    @property
    def default_options(self) -> EnqueueOptions:
        """The options of an enqueue that gives none."""
        return self._options

    def options(self, **options: Unpack[OptionKeywords]) -> "TaskDefinition[P, R, CallR, CallP]":
        """Return the same task with *options*, which win over those of the decorator.

        Raises:
            ConfigError: names every wrong option.
        """
        stronger = EnqueueOptions.from_keywords(options)
        return TaskDefinition(self._spec, self._clients, stronger.merged_over(self._options))

    def _handle(self, info: TaskInfo) -> TaskHandle[R]:
        return TaskHandle(
            id=info.id,
            queue=info.queue,
            _clients=self._clients,
            _decode=lambda found: self._spec.result.decode(found.result),
        )

    def __copy__(self) -> Self:
        """Return the task itself, as for a function."""
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        """Return the task itself, as for a function."""
        return self

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the task by its name, as a function is, with the options that it was given.

        Raises:
            PicklingError: its module does not have it under its name.
        """
        path = self._spec.function.__module__, self._spec.function.__qualname__
        try:
            found = _found(*path)
        except (ImportError, AttributeError):
            found = None
        if not isinstance(found, TaskDefinition) or found.spec is not self._spec:
            raise PicklingError(
                f"task {self.type!r} cannot be pickled, since {'.'.join(path)} is not it; "
                "define it at the top level of a module, under the name of its function"
            )
        return (_found, path) if found is self else (_with_options, (*path, self._options))

    @override
    def __repr__(self) -> str:
        return f"<task {self.type!r} at {self._spec.source_line}>"


def _found(module: str, name: str) -> Any:
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _with_options(module: str, name: str, options: EnqueueOptions) -> Any:
    """Return the task of this name with *options*, which win over those of its decorator."""
    given = ((each, getattr(options, each)) for each in EnqueueOptions.__dataclass_fields__)
    return _found(module, name).options(
        **{each: value for each, value in given if value is not None}
    )


def _mark_as_coroutine_function(definition: object) -> None:
    """Let inspect and asyncio tell frameworks that calls of *definition* must be awaited."""
    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(definition)
    # What asyncio.iscoroutinefunction looks for besides, as long as there is such a thing.
    if hasattr(asyncio.coroutines, "_is_coroutine"):
        vars(definition)["_is_coroutine"] = asyncio.coroutines._is_coroutine  # noqa: SLF001 - as said


class TaskDecorator(Protocol):
    """What `App.task` with arguments returns: it makes a task of a function."""

    @overload
    def __call__(
        self, function: Callable[Concatenate[TaskContext, P], Coroutine[Any, Any, R]], /
    ) -> TaskDefinition[P, R, Coroutine[Any, Any, R], Concatenate[TaskContext, P]]: ...

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> TaskDefinition[P, R, Coroutine[Any, Any, R], P]: ...

    @overload
    def __call__(
        self, function: Callable[Concatenate[TaskContext, P], R], /
    ) -> TaskDefinition[P, R, R, Concatenate[TaskContext, P]]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> TaskDefinition[P, R, R, P]: ...
