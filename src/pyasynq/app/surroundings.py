"""What an application registers beside its tasks, for the worker that runs them."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from pyasynq.app.registry import Registry
from pyasynq.errors import ConfigError
from pyasynq.events.listeners import Listeners
from pyasynq.functions.redefinition import is_redefined
from pyasynq.worker.handlers.aggregators import Aggregations
from pyasynq.worker.handlers.lifespan import lifespan_of
from pyasynq.worker.handlers.middleware import Middleware, middleware_fault, put
from pyasynq.worker.handlers.mux import ServeMux


class Surroundings:
    """The middlewares, the aggregators, the listeners and the lifespan of an App.

    Attributes:
        lifespan: opens it around a worker; None if the App has none.
    """

    def __init__(self) -> None:
        self.aggregations = Aggregations()
        self.listeners = Listeners()
        self.lifespan: Callable[[], AbstractAsyncContextManager[Any]] | None = None
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

    def mux(self, tasks: Registry, *, archives_unknown: bool) -> ServeMux:
        """Return a new mux for *tasks* with all that was registered so far."""
        mux = tasks.mux(self._middlewares, archives_unknown=archives_unknown)
        for aggregation in self.aggregations.all():
            mux.aggregations.add(aggregation)
        mux.listeners.take(self.listeners)
        return mux
