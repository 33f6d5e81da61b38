"""Middlewares: functions around a handler.

A middleware is ``async def middleware(ctx, call_next)``, which runs on the event loop and returns
``await call_next(ctx)``; or ``def middleware(ctx, call_next)``, which runs in the thread or the
process of a plain handler and returns ``call_next(ctx)``. Before and after that it may do anything;
or it raises an exception, or returns a value of its own.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pyasynq.errors import ConfigError
from pyasynq.functions.form import form_fault, is_coroutine_function, name_of
from pyasynq.functions.redefinition import is_redefined
from pyasynq.worker.handlers.context import TaskContext

CallNext = Callable[[TaskContext], Awaitable[Any]]
"""What an ``async def`` middleware calls and awaits to run what is inside of it."""

PlainCallNext = Callable[[TaskContext], Any]
"""What a plain middleware calls; it returns when what is inside has ended."""

AsyncMiddleware = Callable[[TaskContext[Any], CallNext], Awaitable[Any]]
"""A middleware that is a coroutine function."""

PlainMiddleware = Callable[[TaskContext[Any], PlainCallNext], Any]
"""A middleware that is a plain function."""

Middleware = AsyncMiddleware | PlainMiddleware

FORM = "async def middleware(ctx, call_next)"


def middleware_fault(function: object) -> str | None:
    """Return what is wrong with a middleware; None if it is good."""
    return form_fault("a middleware", function, FORM, 2)


def is_plain(middleware: Middleware) -> bool:
    """Whether *middleware* is a plain function, which does not run on the event loop."""
    return not is_coroutine_function(middleware)


def at_process(middlewares: list[Middleware]) -> tuple[list[Middleware], list[Middleware]]:
    """Return what stays in the worker around a process, and what runs in it with the handler.

    The latter are the plain ones that have no coroutine function inside of them.
    """
    first = len(middlewares)
    while first and is_plain(middlewares[first - 1]):
        first -= 1
    return middlewares[:first], middlewares[first:]


def put(middlewares: list[Middleware], function: Middleware) -> None:
    """Add *function* to *middlewares*, in the place of its old version if it is defined again."""
    for position, each in enumerate(middlewares):
        if is_redefined(each, function):
            middlewares[position] = function
            return
    middlewares.append(function)


def wrap(middlewares: Sequence[Middleware], endpoint: CallNext) -> CallNext:
    """Return *endpoint* inside *middlewares*; the first one is the outermost."""
    call = endpoint
    for middleware in reversed(middlewares):
        call = _around(middleware, call)
    return call


def _around(middleware: Middleware, call_next: CallNext) -> CallNext:
    """Return *call_next* inside *middleware*, which is watched until it has done well once.

    A middleware that makes a mistake nearly always makes it each time, and to watch every call
    would cost each task a tenth of its time.
    """
    is_trusted = False

    def call(context: TaskContext) -> Awaitable[Any]:
        return middleware(context, call_next) if is_trusted else watched(context)

    async def watched(context: TaskContext) -> Any:
        nonlocal is_trusted
        following = _Following(call_next)
        called = middleware(context, following)
        result = await called
        if following.is_forgotten:
            if result is following.called:
                return await following.called
            following.called.close()
            raise ConfigError(
                f"middleware {name_of(middleware)!r} did not await call_next, so the handler has "
                "not run; write `return await call_next(ctx)`"
            )
        is_trusted = following.called is not None
        return result

    return call


class _Following:
    """The `call_next` of one call of a middleware."""

    __slots__ = ("_call_next", "called")

    def __init__(self, call_next: CallNext) -> None:
        self._call_next = call_next
        self.called: Any = None

    def __call__(self, context: TaskContext) -> Awaitable[Any]:
        self.called = called = self._call_next(context)
        return called

    @property
    def is_forgotten(self) -> bool:
        """Whether it was called, but nobody has awaited what that returned."""
        called = self.called
        is_coroutine = inspect.iscoroutine(called)
        return is_coroutine and inspect.getcoroutinestate(called) == inspect.CORO_CREATED
