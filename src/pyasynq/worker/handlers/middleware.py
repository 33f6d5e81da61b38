"""Middlewares: functions around a handler.

A middleware is ``async def middleware(ctx, call_next)``; it returns ``await call_next(ctx)``,
before and after which it may do anything, or an exception or a value of its own.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pyasynq.worker.handlers.context import TaskContext

CallNext = Callable[[TaskContext], Awaitable[Any]]
Middleware = Callable[[TaskContext, CallNext], Awaitable[Any]]


def wrap(middlewares: Sequence[Middleware], endpoint: CallNext) -> CallNext:
    """Return *endpoint* inside *middlewares*; the first one is the outermost."""
    call = endpoint
    for middleware in reversed(middlewares):
        call = _around(middleware, call)
    return call


def _around(middleware: Middleware, call_next: CallNext) -> CallNext:
    return lambda context: middleware(context, call_next)
