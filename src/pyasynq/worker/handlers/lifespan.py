"""The lifespan of a worker: what is opened before its first task and closed after its last one."""

import inspect
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from pyasynq.errors import ConfigError
from pyasynq.worker.handlers.function_form import form_fault, name_of

Lifespan = Callable[[], AbstractAsyncContextManager[Any]]

FORM = "async def lifespan(): ...; yield state; ..."


def lifespan_of(function: Any) -> Lifespan:
    """Return what opens the lifespan that *function* stands for.

    Args:
        function: an async generator function that yields once, or a function or a class that
            gives an async context manager.

    Raises:
        ConfigError: it is of another form.
    """
    ConfigError.raise_if([_fault(function)])
    lifespan: Lifespan = function
    return asynccontextmanager(function) if inspect.isasyncgenfunction(function) else lifespan


def _fault(function: Any) -> str | None:
    if inspect.iscoroutinefunction(function):
        return f"lifespan {name_of(function)!r} never yields; write `{FORM}`"
    if inspect.isgeneratorfunction(inspect.unwrap(function)):
        return f"lifespan {name_of(function)!r} must be async; write `{FORM}`"
    if inspect.isclass(function) and hasattr(function, "__aenter__"):
        return None
    return form_fault("a lifespan", function, FORM, 0, may_yield=True)
