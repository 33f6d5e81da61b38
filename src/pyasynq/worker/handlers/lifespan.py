"""The lifespan of a worker: what is opened before its first task and closed after its last one."""

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any

from typing_extensions import override

from pyasynq.errors import ConfigError
from pyasynq.functions.form import form_fault, name_of

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
    is_generator = inspect.isasyncgenfunction(function)
    lifespan: Lifespan = asynccontextmanager(function) if is_generator else function

    @functools.wraps(function, updated=())
    def opened() -> AbstractAsyncContextManager[Any]:
        manager = lifespan()
        if not hasattr(type(manager), "__aenter__") or not hasattr(type(manager), "__aexit__"):
            raise ConfigError(
                f"lifespan {name_of(function)!r} returned {type(manager).__name__}, which is no "
                f"async context manager; write `{FORM}`"
            )
        return _Opened(manager, name_of(function)) if is_generator else manager

    return opened


class _Opened(AbstractAsyncContextManager[Any]):
    """A lifespan that is an async generator; it tells when that does not yield exactly once."""

    def __init__(self, manager: AbstractAsyncContextManager[Any], name: str) -> None:
        self._manager = manager
        self._name = name

    @override
    async def __aenter__(self) -> Any:
        try:
            return await self._manager.__aenter__()
        except RuntimeError as error:
            raise self._told(error, "generator didn't yield", "has not yielded") from error

    @override
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        try:
            return await self._manager.__aexit__(kind, error, trace)
        except RuntimeError as raised:
            raise self._told(raised, "generator didn't stop", "yields more than once") from raised

    def _told(self, error: RuntimeError, text: str, what: str) -> Exception:
        """Return *error*, or a clear one if it has the *text* that contextlib gives it."""
        if str(error) != text:
            return error
        return ConfigError(f"lifespan {self._name!r} {what}; write `{FORM}`")


def _fault(function: Any) -> str | None:
    if inspect.iscoroutinefunction(function):
        return f"lifespan {name_of(function)!r} never yields; write `{FORM}`"
    if inspect.isgeneratorfunction(inspect.unwrap(function)):
        return f"lifespan {name_of(function)!r} must be async; write `{FORM}`"
    if inspect.isclass(function) and hasattr(function, "__aenter__"):
        return None
    return form_fault("a lifespan", function, FORM, 0, may_yield=True)
