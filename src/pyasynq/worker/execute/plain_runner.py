"""Runs handlers that are plain functions in threads, without an asyncio task for each."""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from typing_extensions import override

from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.threads import Call, Pool

Plain = Callable[[TaskContext, Any], Any]
"""A handler that is a plain function."""

OnEnd = Callable[[RunningTask, object, BaseException | None], None]


class PlainRunner:
    """Starts plain handlers, in the order in which they come.

    Args:
        on_end: called on the event loop with what the handler has returned and None, or with None
            and what it has raised.
        enter: makes a context the current one.
    """

    def __init__(
        self, threads: Pool, on_end: OnEnd, enter: Callable[[TaskContext], object]
    ) -> None:
        self._threads = threads
        self._on_end = on_end
        self._enter = enter

    def start(self, running: RunningTask, context: TaskContext, handler: Plain) -> None:
        """Let a thread call *handler* soon, in context variables of its own."""
        variables = copy_context()
        variables.run(self._enter, context)
        call = _HandlerCall(variables, handler, (context, context.task))
        call.running, call.threads, call.on_end = running, self._threads, self._on_end
        running.handle = call
        self._threads.start(call)


class _HandlerCall(Call):
    """The call of a handler; it can be cancelled like an asyncio task, as long as it waits."""

    __slots__ = ("on_end", "running", "threads")

    on_end: OnEnd
    running: RunningTask
    threads: Pool

    @override
    def ended(self) -> None:
        error, self.error = self.error, None  # no cycle of the error and its traceback
        if error is None:
            self.on_end(self.running, self.value, None)
        else:  # what is logged of a failure has the trace of its task
            self.variables.run(self.on_end, self.running, self.value, error)

    def cancel(self) -> None:
        """Never call the handler, if no thread has it yet."""
        if self.threads.take_back(self):
            self.error = asyncio.CancelledError()
            asyncio.get_running_loop().call_soon(self.ended)
