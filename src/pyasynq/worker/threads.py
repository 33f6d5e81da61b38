"""Calls of plain functions of the user, and what makes them: handlers, middlewares, aggregators.

Usually these are the threads of `worker/thread_pool.py`; in a test of an application it may be the
thread of the test itself.
"""

import asyncio
import concurrent.futures.thread
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any

from typing_extensions import override

MakeThreads = Callable[[int, str], Executor]
"""Makes what runs plain functions, of how many threads at most and what their names begin with."""


def in_threads(size: int, name: str) -> Executor:
    """Return at most *size* threads, each of which starts when it is first needed."""
    return ThreadPoolExecutor(size, thread_name_prefix=name)


class Call:
    """One call of a plain function.

    Attributes:
        variables: the context variables that the function finds.
        value: what the function has returned.
        error: what it has raised; CancelledError if it was never called.
        has_ended: whether one of them is there.
    """

    __slots__ = ("_arguments", "_function", "error", "has_ended", "value", "variables")

    def __init__(
        self, variables: Context, function: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> None:
        self.variables: Context = variables
        self._function = function
        self._arguments = arguments
        self.value: Any = None
        self.error: BaseException | None = None
        self.has_ended: bool = False

    def ended(self) -> None:
        """Hear, on the event loop, that the function has ended, or will never be called."""

    def run(self) -> None:
        """Call the function; its exception is kept."""
        try:
            self.value = self.variables.run(self._function, *self._arguments)
        except BaseException as error:  # noqa: BLE001 - whatever the user's code raises ends nothing
            self.error = error
        self.has_ended = True


class _AwaitedCall(Call):
    """A call whose end a coroutine waits for."""

    __slots__ = ("_waiter",)

    _waiter: asyncio.Future[None] | None

    def waiter(self) -> asyncio.Future[None]:
        """Return what is done once the call has ended; each one serves for one wait."""
        self._waiter = asyncio.get_running_loop().create_future()
        return self._waiter

    @override
    def ended(self) -> None:
        waiter = getattr(self, "_waiter", None)  # none if it has ended before anybody waited
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def result(self) -> Any:
        """Return the value, or raise the error, once."""
        error, self.error = self.error, None
        try:
            if error is not None:
                raise error
            return self.value
        finally:
            del error  # no cycle of the error and its traceback


class Pool(ABC):
    """Makes calls outside of the event loop; its methods are called on one event loop."""

    @property
    @abstractmethod
    def busy(self) -> int:
        """How many functions have not ended."""

    @abstractmethod
    def start(self, call: Call) -> None:
        """Make *call* soon."""

    @abstractmethod
    def take_back(self, call: Call) -> bool:
        """Take back a call whose function has not been called yet; return whether it was so.

        Then neither its function nor `ended` will be called.
        """

    @abstractmethod
    def close(self) -> None:
        """Take no more work; functions that still run are left to end by themselves."""

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run *function* in a thread, in a copy of the caller's context variables.

        A cancellation is held back until the function has ended, since its slot is not free
        before. Then an exception of the function wins over the cancellation. A function that
        still waits for a thread is never called.
        """
        call, is_cancelled = _AwaitedCall(copy_context(), function, arguments), False
        self.start(call)
        while not call.has_ended:
            try:
                await call.waiter()
            except asyncio.CancelledError:
                if self.take_back(call):
                    raise
                is_cancelled = True
        result = call.result()
        if is_cancelled:
            raise asyncio.CancelledError
        return result


class ExecutorPool(Pool):
    """Lets an executor of `concurrent.futures` make the calls."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._futures: dict[Call, Future[None]] = {}
        self._taken: set[Call] = set()

    @property
    @override
    def busy(self) -> int:
        return len(self._futures)

    @override
    def start(self, call: Call) -> None:
        loop = asyncio.get_running_loop()
        future = self._futures[call] = self._executor.submit(call.run)
        future.add_done_callback(lambda done: self._on_end(loop, call, done))

    @override
    def take_back(self, call: Call) -> bool:
        self._taken.add(call)
        is_taken = call in self._futures and self._futures[call].cancel()
        self._taken.discard(call)
        return is_taken

    @override
    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _on_end(self, loop: asyncio.AbstractEventLoop, call: Call, future: "Future[None]") -> None:
        del self._futures[call]
        if future.cancelled():
            if call in self._taken:
                return
            call.error, call.has_ended = asyncio.CancelledError(), True
        with suppress(RuntimeError):  # the loop is closed, so nobody waits
            loop.call_soon_threadsafe(call.ended)


def _forget_threads() -> None:
    """Forget, in a forked child, the threads of pools, none of which exists there.

    Python would wait for them when the child exits, and also for the thread that has forked, which
    is the main one now. That fails, so a child that did its work would exit with code 1.
    """
    known = getattr(concurrent.futures.thread, "_threads_queues", None)
    if known is not None:
        known.clear()


os.register_at_fork(after_in_child=_forget_threads)
