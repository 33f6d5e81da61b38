"""A decorated function: a task that can be enqueued, and a function that can still be called."""

import importlib
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
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

from pyasynq.app.advice import (
    ATTRIBUTES_OF_A_TASK,
    no_attribute,
    on_arguments,
    on_swapped,
)
from pyasynq.app.batch import Batch
from pyasynq.app.calls import Calls, NotEnqueued
from pyasynq.app.clients import Clients
from pyasynq.app.handle import TaskHandle, handle_of
from pyasynq.app.lookup import Lookup
from pyasynq.app.spec import TaskSpec
from pyasynq.app.storing import astored, stored
from pyasynq.app.typed_handler import handler_of
from pyasynq.broker.new_tasks.series import TaskSeries
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError
from pyasynq.functions.form import mark_as_coroutine_function
from pyasynq.options import (
    Duration,
    EnqueueOptions,
    OptionKeywords,
    duration_fault,
    name_fault,
    to_seconds,
)
from pyasynq.task import Task, TaskInfo, bound_task
from pyasynq.wire.handled import ANY_TEXT
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.handlers.mux import Handler, prefix_of

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
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

    def __init__(
        self,
        spec: TaskSpec,
        clients: Clients,
        options: EnqueueOptions,
        patience: Duration | None = None,
    ) -> None:
        self._spec = spec
        self._clients = clients
        self._options = options
        self._patience = patience
        self._series = TaskSeries(spec.type, options)
        update_wrapper(self, spec.function)
        if spec.is_async:
            mark_as_coroutine_function(self)

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

    def use_redis(self, options: ConnectionOptions) -> None:
        """Let the App of this task enqueue elsewhere, before its first use.

        Args:
            options: the Redis of the worker; for processes that run handlers.
        """
        self._clients.source = options

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> TaskHandle[R]:
        """Enqueue a call of the function.

        Inside a running event loop it works, but blocks the loop and warns once.

        Raises:
            TypeError: an argument is missing or unknown; nothing was sent.
            PayloadError: an argument does not fit its annotation; nothing was sent.
            DuplicateTaskError, TaskIdConflictError, RedisUnavailableError: see `Client.enqueue`.
        """
        payload, series, clients = self._payload(args, kwargs), self._series, self._clients
        clients.warn_inside_loop("enqueue of task", series.type, instead="aenqueue")
        client = clients.client()
        task_id = client._store_one(series, payload, self._patience)  # noqa: SLF001 - for Apps
        return handle_of(task_id, series.queue, clients, self._decode_result)

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> TaskHandle[R]:
        """Enqueue a call of the function; like `enqueue`, for async code."""
        payload, series = self._payload(args, kwargs), self._series
        clients = self._clients
        client = clients.opened_async_client() or await clients.async_client()
        task_id = await client._store_one(series, payload, self._patience)  # noqa: SLF001
        return handle_of(task_id, series.queue, clients, self._decode_result)

    def enqueue_many(self, calls: Iterable[Any]) -> Batch[R]:
        """Enqueue many calls of the function, with the options of this task, in few round trips.

        *calls* is read and stored a thousand calls at a time, or about 4 MiB of payloads, so it may
        be longer than memory, and the first tasks run while the last are still read. A call that
        is refused keeps no other from being stored. Inside a running event loop it works, but
        blocks the loop and warns once.

        Args:
            calls: each a tuple of all arguments, a mapping of arguments by name, or the only
                argument as it is. An only argument that is a tuple or a mapping itself stands in a
                tuple, as in ``[({"a": 1},), ({"b": 2},)]``.

        Returns:
            The handles of the stored tasks, and for each other call its position and the error.

        Raises:
            ConfigError: *calls* is not an iterable of arguments, the options have a task_id, or
                they are wrong for every call; nothing was sent.
            RedisUnavailableError: Redis did not answer; `results` has the TaskInfo or the
                NotEnqueued of each call that was read, and None for one whose task may or may not
                be stored. With a `unique` option it is safe to repeat.
            Exception: what *calls* itself raised, with a note of how many tasks were stored.
        """
        read = self._calls(calls)
        self._clients.warn_inside_loop("enqueue_many of", self.type, instead="aenqueue_many")
        return self._batch(stored(self._clients.client(), self._series, read, self._patience))

    async def aenqueue_many(self, calls: Iterable[Any]) -> Batch[R]:
        """Enqueue many calls of the function; like `enqueue_many`, for async code."""
        read = self._calls(calls)
        client = await self._clients.async_client()
        return self._batch(await astored(client, self._series, read, self._patience))

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Task:
        """Return the task that `enqueue` would store, with its type, payload and options.

        Raises:
            TypeError, PayloadError: see `enqueue`.
            ConfigError: the type is a pattern, which stands for many types.
        """
        payload = self._payload(args, kwargs)
        return bound_task(self._spec.type, payload, self._options)

    @property
    def default_options(self) -> EnqueueOptions:
        """The options of an enqueue that gives none."""
        return self._options

    def options(
        self, *, patience: Duration | None = None, **options: Unpack[OptionKeywords]
    ) -> "TaskDefinition[P, R, CallR, CallP]":
        """Return the same task with *options*, which win over those of the decorator.

        Args:
            patience: for how long an enqueue of it tries to reach Redis; *enqueue_patience* of the
                App if not given. It is not stored with the task.
            options: see `EnqueueOptions`.

        Raises:
            ConfigError: names every wrong option.
        """
        if patience is not None:
            ConfigError.raise_if([duration_fault("patience", patience)])
        merged = EnqueueOptions.from_keywords(options).merged_over(self._options)
        patience = self._patience if patience is None else patience
        return TaskDefinition(self._spec, self._clients, merged, patience)

    def sent_by(self, clients: Clients) -> "TaskDefinition[P, R, CallR, CallP]":
        """Return the same task, enqueued with *clients*; for integrations of pyasynq."""
        return TaskDefinition(self._spec, clients, self._options, self._patience)

    def handle(self, task_id: str, queue: str | None = None) -> TaskHandle[R]:
        """Return a handle on a task of this type whose ID is known; Redis is not called.

        Args:
            task_id: the ID.
            queue: its queue. If not given, the task is looked for when the handle is used: in the
                queue of this task's options, then in every queue that Redis lists, by its ID and
                its type.

        Raises:
            ConfigError: a name is blank. And later, if no queue was given: several queues have a
                task of this type with this ID.
        """
        faults = [name_fault("task_id", task_id)]
        if queue is not None:
            faults.append(name_fault("queue", queue))
        ConfigError.raise_if(faults)
        if queue is not None and on_swapped(queue, task_id):
            raise ConfigError(
                f"{queue!r} is the ID of a task; write handle({queue!r}, {task_id!r})"
            )
        lookup = Lookup(self.handles) if queue is None else None
        return self._handle(task_id, queue or self._series.queue, lookup)

    def handles(self, task_type: str) -> bool:
        """Whether this function handles tasks of *task_type*: its type, an alias, or a pattern."""
        for each in (self.type, *self.aliases):
            prefix = prefix_of(each)
            if task_type == each or (prefix is not None and task_type.startswith(prefix)):
                return True
        return False

    def arguments(self, task: Task) -> dict[str, Any]:
        """Return the arguments in the payload of a task of this type, as an aggregator gets it.

        They are decoded and checked as for a handler, by the names of the parameters and in their
        order; defaults are filled in, and the context is left out. So
        ``function(**definition.arguments(task))`` is the call that was enqueued.

        Raises:
            PayloadError: the payload does not fit; names the task, the parameter and the path.
            ConfigError: the task is of another type.
        """
        if not isinstance(task, Task):
            raise ConfigError(f"arguments takes a Task, not {type(task).__name__}")
        if not self.handles(task.type):
            name = self._spec.function.__name__
            raise ConfigError(
                f"a task of type {task.type!r} has no arguments of {self.type!r}; "
                f"sort the tasks by their types first, as with {name}.handles(task.type)"
            )
        return self._spec.codec.arguments(task.payload or b"")

    def _payload(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes | None:
        spec = self._spec
        if spec.type[-1] == ANY_TEXT:
            raise self._many_types()
        try:
            return spec.codec.encode_call(args, kwargs)
        except TypeError as error:
            advice = on_arguments(spec.function, kwargs)
            if advice is None:
                raise
            raise TypeError(f"{error}; {advice}") from None

    def _handle(self, task_id: str, queue: str, lookup: Lookup | None = None) -> TaskHandle[R]:
        return handle_of(task_id, queue, self._clients, self._decode_result, lookup)

    def _many_types(self) -> ConfigError:
        return ConfigError(
            f"{self.type!r} stands for many types, and a task has one; name one and let the "
            f'pattern be an alias, as in @app.task("mail", aliases=[{self.type!r}])'
        )

    def _calls(self, calls: Iterable[Any]) -> Calls:
        if self._spec.type.endswith(ANY_TEXT):
            raise self._many_types()
        if self._options.task_id is not None:
            raise ConfigError(
                f"task_id={self._options.task_id!r} is the ID of one task, and enqueue_many "
                "stores many; leave it out"
            )
        return Calls(calls, self._spec.codec, self.bind)

    def _batch(self, items: Sequence[str | NotEnqueued]) -> Batch[R]:
        retention = self._options.retention
        keeps_results = retention is not None and to_seconds(retention) > 0
        return Batch(
            items,
            lambda task_id: self._handle(task_id, self._series.queue),
            self._series.queue,
            self._clients,
            self._decode_result,
            keeps_results=keeps_results,
        )

    def _decode_result(self, info: TaskInfo) -> Any:
        return self._spec.result.decode(info.result)

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
        return (
            (_found, path)
            if found is self
            else (_with_options, (*path, self._options, self._patience))
        )

    @override
    def __repr__(self) -> str:
        return f"<task {self.type!r} at {self._spec.source_line}>"


def _found(module: str, name: str) -> Any:
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _with_options(
    module: str, name: str, options: EnqueueOptions, patience: Duration | None = None
) -> Any:
    """Return the task of this name with *options*, which win over those of its decorator."""
    given = ((each, getattr(options, each)) for each in EnqueueOptions.__dataclass_fields__)
    return _found(module, name).options(
        patience=patience,
        **{each: value for each, value in given if value is not None},
    )


class TaskDecorator(Protocol):
    """What `App.task` with arguments returns: it makes a task of a function."""

    @overload
    def __call__(
        self, function: Callable[Concatenate[TaskContext[S], P], Coroutine[Any, Any, R]], /
    ) -> TaskDefinition[P, R, Coroutine[Any, Any, R], Concatenate[TaskContext[S], P]]: ...

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> TaskDefinition[P, R, Coroutine[Any, Any, R], P]: ...

    @overload
    def __call__(
        self, function: Callable[Concatenate[TaskContext[S], P], R], /
    ) -> TaskDefinition[P, R, R, Concatenate[TaskContext[S], P]]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> TaskDefinition[P, R, R, P]: ...
