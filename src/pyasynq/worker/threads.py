"""Threads for plain functions of the user: handlers, aggregators and listeners."""

import asyncio
import concurrent.futures.thread
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

Ended = tuple[Any, BaseException | None]
"""What a function returned, or None and what it raised."""


class ThreadPool:
    """Runs plain functions; a thread cannot be killed, so each is waited for to its end."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._executor: ThreadPoolExecutor | None = None
        self._running: set[Future[Ended]] = set()

    @property
    def busy(self) -> int:
        """How many functions have not ended."""
        return len(self._running)

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run *function* in a thread, in a copy of the caller's context variables.

        A cancellation is held back until the function has ended, since its slot is not free
        before. Then an exception of the function wins over the cancellation. A function that
        still waits for a thread is never called.
        """
        context = contextvars.copy_context()
        return await _outlast(self.submit(context.run, function, *args))

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Ended]:
        """Let a thread call *function* once there is one; what it raises is in the result."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._size, thread_name_prefix="pyasynq handler")
        future = self._executor.submit(caught, function, *args)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future

    def close(self) -> None:
        """Take no more work; threads that still run are left to end by themselves."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)


def caught(function: Callable[..., Any], *args: Any) -> Ended:
    """Call *function*; its exception is a value, for a future cannot hold every exception."""
    try:
        return function(*args), None
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises ends nothing
        return None, error


def _forget_threads() -> None:
    """Forget, in a forked child, the threads of pools, none of which exists there.

    Python would wait for them when the child exits, and also for the thread that has forked, which
    is the main one now. That fails, so a child that did its work would exit with code 1.
    """
    known = getattr(concurrent.futures.thread, "_threads_queues", None)
    if known is not None:
        known.clear()


os.register_at_fork(after_in_child=_forget_threads)


async def _outlast(future: Future[Ended]) -> Any:
    ended, is_cancelled = asyncio.wrap_future(future), False
    while not ended.done():
        try:
            await asyncio.wait({ended})
        except asyncio.CancelledError:
            if future.cancel():
                raise
            is_cancelled = True
    value, error = ended.result()
    if error is not None:
        raise error
    if is_cancelled:
        raise asyncio.CancelledError
    return value
