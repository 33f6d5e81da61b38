"""Middlewares around a handler, in the order in which they were registered.

A coroutine function runs on the event loop, a plain function in the thread of its task, each with a
``call_next`` of its own kind: one to await, one that returns when everything inside is done.
"""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol

from pyasynq.errors import ServerStateError
from pyasynq.functions.returned import finished, is_unfinished
from pyasynq.worker.execute.one_thread import OneThread
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.handlers.middleware import CallNext, Middleware, is_plain, wrap
from pyasynq.worker.threads import Pool

_thread: ContextVar[OneThread] = ContextVar("pyasynq_thread_of_task")


def chain(middlewares: Sequence[Middleware], handler: "Step", threads: Pool) -> CallNext:
    """Return what runs *handler* inside *middlewares*; one at least is plain.

    The first one is the outermost.
    """
    first = next(place for place, each in enumerate(middlewares) if is_plain(each))
    step = handler
    for depth in range(len(middlewares), first, -1):
        middleware = middlewares[depth - 1]
        if is_plain(middleware):
            step = InThread(partial(_call_plain, middleware, step), depth)
        else:
            step = OnLoop(wrap([middleware], step.on_loop))
    return wrap(middlewares[:first], partial(_with_thread, threads, step))


class Step(Protocol):
    """A middleware with everything inside of it, or a handler."""

    def on_loop(self, context: TaskContext) -> Any:
        """Return what the loop can await."""

    def in_thread(self, context: TaskContext) -> Any:
        """Run it to its end; called in the thread of the task."""


class OnLoop:
    """A coroutine function."""

    def __init__(self, call: CallNext) -> None:
        self.on_loop = call

    def in_thread(self, context: TaskContext) -> Any:
        """Let the loop run it, and wait."""
        return _thread.get().wait_for(partial(self.on_loop, context))


class InThread:
    """A plain function.

    Args:
        depth: larger than that of the functions around it.
    """

    def __init__(self, call: Callable[[TaskContext], Any], depth: int) -> None:
        self._call = call
        self._depth = depth

    async def on_loop(self, context: TaskContext) -> Any:
        """Let the thread run it, and wait."""
        return await _thread.get().run(partial(self.in_thread, context), depth=self._depth)

    def in_thread(self, context: TaskContext) -> Any:
        """Call it; what it only returns, such as a coroutine, is done before it is."""
        result = self._call(context)
        if not is_unfinished(result):
            return result
        try:
            return _thread.get().wait_for(partial(finished, result))
        finally:
            if inspect.iscoroutine(result):
                result.close()  # nothing happens unless a cancellation came before it began


async def _with_thread(threads: Pool, step: Step, context: TaskContext) -> Any:
    token = _thread.set(OneThread(threads))
    try:
        return await step.on_loop(context)
    finally:
        _thread.reset(token)


def _call_plain(middleware: Middleware, following: Step, context: TaskContext) -> Any:
    return middleware(context, partial(_call_next, following))


def _call_next(following: Step, context: TaskContext) -> Any:
    """Run what is inside of a plain middleware.

    A plain function may stand for a coroutine function, as a decorator without ``await`` makes it;
    then what it returns runs on the loop, and so does this.

    Raises:
        ServerStateError: called in a thread that the middleware has started itself.
    """
    thread = _thread.get(None)
    if thread is not None and thread.is_here:
        return following.in_thread(context)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise ServerStateError("call call_next in the thread of the middleware itself") from None
    return following.on_loop(context)
