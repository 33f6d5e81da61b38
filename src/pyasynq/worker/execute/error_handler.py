"""Calls the application's error handler, whatever it does."""

import asyncio
import logging
from collections.abc import Callable

from pyasynq.functions.returned import finished
from pyasynq.shown import shown
from pyasynq.worker.config import ErrorHandler
from pyasynq.worker.handlers.context import TaskContext, enter

logger = logging.getLogger("pyasynq.executor")


class ErrorHandlerCalls:
    """The calls of one server's error handler; without a handler nothing is called.

    Args:
        grace_s: for how long calls may go on after `close`.
        enter_apart: makes a context the current one of an asyncio task of its own.
    """

    def __init__(
        self,
        handler: ErrorHandler | None,
        *,
        grace_s: float,
        enter_apart: Callable[[TaskContext], object] = enter,
    ) -> None:
        self._handler = handler
        self.is_set: bool = handler is not None
        self._grace_s = grace_s
        self._enter_apart = enter_apart
        self._apart: set[asyncio.Task[None]] = set()

    async def call(self, context: TaskContext, error: BaseException) -> None:
        """Call the handler with *error* of the task of *context*."""
        if self._handler is None:
            return
        enter(context)
        try:
            handled = self._handler(context, context.task, error)
            if handled is not None:
                await finished(handled)
        except asyncio.CancelledError:
            raise
        except BaseException:  # code of the user's; sys.exit in it would end the server
            logger.exception("the error handler failed on task %s", shown(context.task_id))

    def call_apart(self, context: TaskContext, error: BaseException) -> None:
        """Call the handler in an asyncio task of its own: that of *context* has not ended."""
        if self._handler is not None:
            name = f"pyasynq error of {shown(context.task_id)}"
            call = asyncio.create_task(self._call_apart(context, error), name=name)
            self._apart.add(call)
            call.add_done_callback(self._apart.discard)

    async def _call_apart(self, context: TaskContext, error: BaseException) -> None:
        self._enter_apart(context)
        await self.call(context, error)

    async def close(self) -> None:
        """Wait for the calls in asyncio tasks of their own, then cancel those that go on."""
        if self._apart:
            _ended, late = await asyncio.wait(self._apart, timeout=self._grace_s)
            for call in late:
                call.cancel()
