"""The application: one object that tasks, producers and the worker share."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Concatenate, TypeVar, Unpack, overload

from typing_extensions import ParamSpec, override

from pyasynq.app import advice
from pyasynq.app.changed_settings import changed, gathering
from pyasynq.app.clients import Clients
from pyasynq.app.definition import TaskDecorator, TaskDefinition
from pyasynq.app.definition_maker import DefinitionMaker
from pyasynq.app.handle import TaskHandle
from pyasynq.app.harness.options import HarnessOptions
from pyasynq.app.keywords import OnInvalidPayload, TaskKeywords
from pyasynq.app.periodic import PeriodicTasks
from pyasynq.app.registry import Registry
from pyasynq.app.server_keywords import ServerKeywords
from pyasynq.app.spec import on_invalid_payload_fault, split_keywords
from pyasynq.app.surroundings import Surroundings
from pyasynq.clock import Clock, clock_fault
from pyasynq.connection.connector import ConnectionSource
from pyasynq.errors import ConfigError
from pyasynq.events.listeners import OnEvent
from pyasynq.options import EMPTY, Duration, EnqueueOptions, duration_fault, name_fault
from pyasynq.task import EnqueueResult, Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.aggregators import A, GroupLimits
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.handlers.middleware import Middleware
from pyasynq.worker.handlers.mux import OnInvalidResult, ServeMux, on_invalid_result_fault

if TYPE_CHECKING:
    from pyasynq.app.harness.harness import AppHarness
    from pyasynq.app.worker import AppWorker
    from pyasynq.scheduler.scheduler import Scheduler
    from pyasynq.worker.server import Server

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
M = TypeVar("M", bound=Middleware)
Lifespan = Callable[[], AsyncIterator[Any]] | Callable[[], AbstractAsyncContextManager[Any]]
L = TypeVar("L", bound=Lifespan)


class App:
    """Functions as tasks: enqueued from anywhere, run by the worker of the same App.

    Nothing is connected before the first use. An App may be used from any thread, any event loop
    and after a fork.

    Args:
        source: where Redis is: a URL, ConnectionOptions, or a redis-py client of yours. If not
            given, ``PYASYNQ_REDIS_URL``, else a Redis on this machine.
        name: the name of the application.
        queues: the queues that the worker serves, name to priority.
        task_defaults: options of every task; those of a decorator and of a call win.
        on_invalid_payload: what becomes of a task whose payload does not fit or whose type is
            unknown: "retry" like any failure, or "archive" at once. A decorator's own wins.
        on_invalid_result: what becomes of a task whose work is done, but whose result cannot be
            stored: "complete" it without a result, which the log and `result()` tell, or
            "archive" it. A decorator's own wins.
        enqueue_patience: for how long an enqueue tries to reach Redis before it fails; 0 for one
            try. After a failure, others fail at once for a moment. See `Client`.
        clock: where to get the time; the machine's clock if not given.
        server: any other field of `ServerConfig`, such as ``concurrency=100``.

    Attributes:
        name: the name of the application.
        config: the settings of its worker, a `ServerConfig`.
        tasks: its tasks, by type.
        periodic: the decorator for periodic tasks, ``@app.periodic("@every 1h")``; see
            `PeriodicTasks`.

    Raises:
        ConfigError: names every fault.
    """

    config: ServerConfig
    # What opens its connections; the App of an integration may have others.
    _make_clients: type[Clients] = Clients

    def __init__(
        self,
        source: ConnectionSource = None,
        *,
        name: str = "default",
        queues: Mapping[str, int] | None = None,
        task_defaults: EnqueueOptions = EMPTY,
        on_invalid_payload: OnInvalidPayload = "retry",
        on_invalid_result: OnInvalidResult = "complete",
        enqueue_patience: Duration = 5.0,
        clock: Clock | None = None,
        **server: Unpack[ServerKeywords],
    ) -> None:
        faults = [name_fault("name", name), on_invalid_payload_fault(on_invalid_payload)]
        faults += [on_invalid_result_fault(on_invalid_result), clock_fault(clock)]
        faults += [advice.on_task_defaults(task_defaults)]
        faults += [duration_fault("enqueue_patience", enqueue_patience)]
        with gathering(faults):
            self.config, source = changed(ServerConfig(), source, queues, server)
        ConfigError.raise_if(faults)
        self.name = name
        self.tasks: Registry = Registry()
        self._clock = clock
        self._archives_unknown = on_invalid_payload == "archive"
        self._clients = self._make_clients(
            source,
            clock,
            max_payload_size=self.config.max_payload_size,
            enqueue_patience=enqueue_patience,
            tracing=self.config.tracing,
        )
        self._maker = DefinitionMaker(
            self._clients, task_defaults, on_invalid_payload, on_invalid_result
        )
        self.periodic: PeriodicTasks = PeriodicTasks(name, self.tasks, self._maker)
        self._surroundings = Surroundings()

    if not TYPE_CHECKING:  # type checkers shall find what does not exist

        def __getattr__(self, name: str) -> Any:
            raise advice.no_attribute(self, "an App", name, advice.ATTRIBUTES_OF_AN_APP)

    # Overloads for coroutine functions come first, since those for plain functions match them too;
    # and those that take the context come before those that do not.
    @overload
    def task(
        self, function: Callable[Concatenate[TaskContext[S], P], Coroutine[Any, Any, R]], /
    ) -> TaskDefinition[P, R, Coroutine[Any, Any, R], Concatenate[TaskContext[S], P]]: ...

    @overload
    def task(
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> TaskDefinition[P, R, Coroutine[Any, Any, R], P]: ...

    @overload
    def task(
        self, function: Callable[Concatenate[TaskContext[S], P], R], /
    ) -> TaskDefinition[P, R, R, Concatenate[TaskContext[S], P]]: ...

    @overload
    def task(self, function: Callable[P, R], /) -> TaskDefinition[P, R, R, P]: ...

    @overload
    def task(
        self, name: str | None = None, /, **keywords: Unpack[TaskKeywords]
    ) -> TaskDecorator: ...

    def task(self, given: Any = None, /, **keywords: Any) -> Any:
        """Register the decorated function as a task: ``@app.task`` or ``@app.task("type", …)``.

        The type is the name of the function unless it is given. It matches exactly, but for one
        that ends with ``*``: ``@app.task("mail:*")`` handles all types that begin with ``mail:``
        and have no task of their own; `TaskContext.task_type` tells which.

        Parameters become the payload; a first parameter annotated `TaskContext` is passed by the
        worker instead. Coroutine functions run on the event loop of the worker, plain ones in its
        threads.

        A type checker takes a first parameter annotated ``Any`` or ``object`` for a context.

        Args:
            given: the task type, or the function itself.
            keywords: all options of `EnqueueOptions`, and ``retry_delay``, ``is_failure``,
                ``on_invalid_payload``, ``on_invalid_result``, ``max_deferrals``, ``aliases`` and
                ``executor``; see `TaskKeywords`.

        Raises:
            ConfigError: names every wrong option and parameter; a type is registered twice.
        """
        if given is None or isinstance(given, str):
            own, options = split_keywords(keywords)
            return lambda function: self.tasks.add(self._maker(function, given, own, options))
        return self.tasks.add(self._maker(given))

    def enqueue_many(
        self,
        tasks: Iterable[Task | tuple[Task, EnqueueOptions]],
        *,
        patience: Duration | None = None,
    ) -> list[EnqueueResult]:
        """Store many tasks, such as ``[send.bind(user) for user in users]``, in few round trips.

        Inside a running event loop it works, but blocks the loop and warns once.

        Returns:
            For each task, in order, its info or why it was refused; see `Client.enqueue_many`.

        Raises:
            ConfigError, RedisUnavailableError: see `Client.enqueue_many`.
        """
        self._clients.warn_inside_loop("enqueue_many", instead="aenqueue_many")
        return self._clients.client().enqueue_many(tasks, patience=patience)

    async def aenqueue_many(
        self,
        tasks: Iterable[Task | tuple[Task, EnqueueOptions]],
        *,
        patience: Duration | None = None,
    ) -> list[EnqueueResult]:
        """Store many tasks in few round trips; like `enqueue_many`, for async code."""
        client = await self._clients.async_client()
        return await client.enqueue_many(tasks, patience=patience)

    def task_handle(self, queue: str, task_id: str) -> TaskHandle[Any]:
        """Return a handle on a task whose ID is known; Redis is not called.

        Raises:
            ConfigError: a name is blank.
        """
        ConfigError.raise_if([name_fault("queue", queue), name_fault("task_id", task_id)])
        ConfigError.raise_if([advice.on_swapped(queue, task_id)])
        return TaskHandle(
            id=task_id, queue=queue, _clients=self._clients, _decode=self.tasks.decode_result
        )

    def middleware(self, function: M) -> M:
        """Wrap ``async def function(ctx, call_next)`` around every task of the worker.

        A plain function, ``def function(ctx, call_next)``, runs in the thread of a plain handler,
        or in its process; around a coroutine function it takes a thread of the pool. The first one
        registered is the outermost, whatever its kind.

        Raises:
            ConfigError: it is of another form.
        """
        self._surroundings.add_middleware(function)
        return function

    def lifespan(self, function: L) -> L:
        """Wrap an async context manager around the worker; what it yields is ``ctx.state``.

        Args:
            function: an async generator function that yields once, or a function that returns
                an async context manager.

        Raises:
            ConfigError: the App has a lifespan already, or this one is of another form.
        """
        self._surroundings.set_lifespan(function)
        return function

    def aggregator(self, pattern: str, **limits: Unpack[GroupLimits]) -> Callable[[A], A]:
        """Register the decorated function for the groups that match *pattern*.

        ``function(group, tasks)`` returns one task that replaces all of them, such as
        ``send_digest.bind(…)``, or None to drop them. See `ServeMux.aggregator`.

        Raises:
            ConfigError: names every fault; or the pattern is taken.
        """
        return self._surroundings.aggregations.register(pattern, limits)

    @property
    def on(self) -> OnEvent:
        """Call the decorated function when something happens: ``@app.on("archived")``.

        ``function(event)`` gets one event at a time, beside the handlers: whatever it does, no task
        waits for it or fails because of it. A coroutine function runs on the event loop of the
        worker, a plain one in its own thread. If it raises, that is logged, once per type of
        exception. An event arrives after it happened, at most once, and only in the process in
        which it happened: what must not be missed belongs in a task.

        A `TaskEvent` is "started", "succeeded", "failed", "retried", "deferred", "archived",
        "dropped", "requeued", "lost" or "recovered"; a `WorkerEvent` "worker_started" or
        "worker_stopped"; a `PeriodicEvent` "periodic_enqueued", "…_skipped" or "…_failed".

        Raises:
            ConfigError: a name is wrong or given twice, or the function is of another form.
        """
        return self._surroundings.listeners.on

    @property
    def source(self) -> ConnectionSource:
        """Where Redis is, as the App was told; None if the environment decides."""
        return self._clients.source

    @property
    def mux(self) -> ServeMux:
        """A new mux with all tasks, middlewares, aggregators and listeners registered so far."""
        return self._mux()

    def server(self) -> "Server":
        """Return a new server for the tasks of this App; `run` it with `mux`."""
        from pyasynq.worker.server import Server  # noqa: PLC0415 - producers never load it

        source, lifespan = self._clients.source, self._surroundings.lifespan
        return Server(source, self.config, clock=self._clock, lifespan=lifespan)

    def reconfigure(
        self,
        source: ConnectionSource = None,
        *,
        queues: Mapping[str, int] | None = None,
        **server: Unpack[ServerKeywords],
    ) -> None:
        """Change where Redis is and how the worker runs, as the flags of the command line do.

        Call it before the first use.

        Args:
            source: where Redis is; None to leave that as it is.
            queues: other queues; None to leave them as they are.
            server: fields of `ServerConfig` to change.

        Raises:
            ConfigError: names every wrong setting; nothing is changed.
        """
        config, new_source = changed(self.config, source, queues, server)
        self.config = config
        self._clients.max_payload_size = config.max_payload_size
        self._clients.tracing = config.tracing
        if new_source is not None:
            self._clients.source = new_source

    def testing(self, **options: Unpack[HarnessOptions]) -> "AppHarness":
        """Return a context manager for tests, plain or async.

        Inside, the App uses a private Redis that is empty at the start and a clock that stands
        still; `AppHarness.run_pending` runs the tasks that are due. The options of the App's own
        connection, such as its namespace, do not apply.

            with app.testing() as harness:
                send_welcome.options(process_in=60).enqueue(42)
                harness.clock.advance(60)
                (handled,) = harness.run_pending()

        Args:
            options: ``eager``, ``raises``, ``now``, ``state``, ``threads`` and ``scheduler``; see
                `HarnessOptions`.

        Raises:
            ConfigError: *now* is no aware datetime.
        """
        from pyasynq.app.harness.harness import AppHarness, AppParts  # noqa: PLC0415 - for tests only

        tested = AppParts(
            clients=self._clients,
            config=self.config,
            make_mux=lambda: self._mux(processes=False),
            lifespan=self._surroundings.lifespan,
            tasks=self.tasks,
            entries=tuple(self.periodic),
        )
        return AppHarness(tested, **options)

    def scheduler(self) -> "Scheduler":
        """Return a new scheduler for the periodic tasks of this App; `run` it, or `serve`."""
        from pyasynq.scheduler.scheduler import Scheduler  # noqa: PLC0415 - few need it

        source, tracing = self._clients.source, self.config.tracing
        scheduler = Scheduler(source, name=self.name, clock=self._clock, tracing=tracing)
        for entry in self.periodic:
            scheduler.add(entry)
        scheduler.listeners.take(self._surroundings.listeners)
        return scheduler

    def worker(self, *, scheduler: bool = True) -> "AppWorker":
        """Return a new worker: a server and, if the App has periodic tasks, a scheduler beside it.

        Args:
            scheduler: whether it enqueues the periodic tasks. Any number of workers may do so.
        """
        from pyasynq.app.worker import AppWorker  # noqa: PLC0415 - producers never load it

        is_scheduling = scheduler and len(self.periodic) > 0
        return AppWorker(self.server(), self.mux, self.scheduler() if is_scheduling else None)

    def run(self, *, scheduler: bool = True) -> None:
        """Run tasks, and enqueue periodic ones, in this process until SIGTERM or SIGINT; blocks.

        Args:
            scheduler: see `worker`.

        Raises:
            RedisUnavailableError: Redis did not answer at the start.
            ServerStateError: called in a running event loop, or not in the main thread.
        """
        self.worker(scheduler=scheduler).run()

    def close(self) -> None:
        """Close the connections of blocking code; safe to repeat. The next use opens new ones."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close the connections of the running loop, and those of blocking code; see `close`."""
        await self._clients.aclose()

    def _mux(self, *, processes: bool = True) -> ServeMux:
        source, archives = self._clients.source, self._archives_unknown
        return self._surroundings.mux(
            self.tasks, source, archives_unknown=archives, processes=processes
        )

    @override
    def __repr__(self) -> str:
        return f"<App {self.name!r} with {len(self.tasks)} task types>"
