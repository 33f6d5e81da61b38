"""What an application registers beside its tasks, for the worker that runs them."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from pyasynq.app.registry import Registry
from pyasynq.connection.connector import ConnectionSource
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError
from pyasynq.events.listeners import Listeners
from pyasynq.functions.redefinition import is_redefined
from pyasynq.worker.handlers.aggregators import Aggregations
from pyasynq.worker.handlers.lifespan import lifespan_of
from pyasynq.worker.handlers.middleware import (
    AsyncMiddleware,
    Middleware,
    PlainMiddleware,
    middleware_fault,
    put,
)
from pyasynq.worker.handlers.mux import ServeMux


class Surroundings:
    """The middlewares, the aggregators, the listeners and the lifespan of an App.

    Attributes:
        lifespan: opens it around a worker; None if the App has none.
        around_threads, around_coroutines: see `ServeMux`.
    """

    def __init__(self) -> None:
        self.aggregations: Aggregations = Aggregations()
        self.listeners: Listeners = Listeners()
        self.lifespan: Callable[[], AbstractAsyncContextManager[Any]] | None = None
        self.around_threads: list[PlainMiddleware] = []
        self.around_coroutines: list[AsyncMiddleware] = []
        self._middlewares: list[Middleware] = []

    def add_middleware(self, function: Middleware) -> None:
        """Wrap *function* around every task, inside those that were added before.

        Raises:
            ConfigError: it is of another form.
        """
        ConfigError.raise_if([middleware_fault(function)])
        put(self._middlewares, function)

    def set_lifespan(self, function: Any) -> None:
        """Wrap the async context manager that *function* stands for around a worker.

        Raises:
            ConfigError: there is a lifespan already, or this one is of another form.
        """
        lifespan = lifespan_of(function)
        if self.lifespan is not None and not is_redefined(self.lifespan, function):
            raise ConfigError("this app already has a lifespan; combine the two into one")
        self.lifespan = lifespan

    def mux(
        self,
        tasks: Registry,
        source: ConnectionSource,
        *,
        archives_unknown: bool,
        processes: bool = True,
    ) -> ServeMux:
        """Return a new mux for *tasks* with all that was registered so far; see `Registry.mux`.

        Args:
            source: what handlers enqueue to, wherever they run. A client of the user's cannot be
                sent to another process.
        """
        mux = tasks.mux(self._middlewares, archives_unknown=archives_unknown, processes=processes)
        mux.around_threads.extend(self.around_threads)
        mux.around_coroutines.extend(self.around_coroutines)
        for aggregation in self.aggregations.all():
            mux.aggregations.add(aggregation)
        mux.listeners.take(self.listeners)
        mux.redis = source if isinstance(source, ConnectionOptions) else None
        return mux
