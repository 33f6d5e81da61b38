"""One thread for all plain functions of a task, with coroutine functions between them.

    asyncio task of the task:   middleware ─┐         ┌─ middleware ─┐         ┌─► …
    its thread:                             └─► mw ───┘              └─► mw ───┘

Only one of the two runs at any moment, and the other one waits for it: a thread that waits for a
coroutine does what plain functions inside of that coroutine ask of it. So everything of a task
that is plain runs in one and the same thread, everything else in one and the same asyncio task,
which a cancellation or a timeout reaches as usual, and one thread per task is always enough. Each
message carries the context variables of its sender, which its receiver takes over.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context, ContextVar, Token, copy_context
from queue import SimpleQueue
from threading import get_ident
from typing import Any

import msgspec
from typing_extensions import override

from pyasynq.errors import ServerStateError
from pyasynq.functions.returned import Ended, caught
from pyasynq.worker.threads import Call, Pool


class OneThread:
    """The thread of one task, taken from *pool* while plain functions of the task run."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._thread: int | None = None
        self._inbox: SimpleQueue[_Call | _Answer] = SimpleQueue()  # of the thread
        self._answers: asyncio.Queue[_Answer | _Request] | None = None  # of the call that it runs
        self._depths: list[int] = []  # of the calls that have not ended
        self._is_waiting = False  # whether the thread waits for a coroutine
        self._is_left = False  # whether nobody listens to the thread any more

    @property
    def is_here(self) -> bool:
        """Whether the caller runs in this thread, and not on the loop."""
        return self._thread == get_ident() and not self._is_on_loop

    async def run(self, function: Callable[[], Any], *, depth: int) -> Any:
        """Call *function* in the thread; call it on the loop.

        A cancellation reaches what the thread waits for; if it waits for nothing, it is held back
        until the thread has ended, or waits for something. A function that still waits for a
        thread is never called.

        Args:
            depth: larger than that of the functions around it.

        Raises:
            ServerStateError: a function of this depth runs already.
            BaseException: what *function* has raised.
        """
        if self._depths and (depth <= self._depths[-1] or not self._is_waiting):
            raise ServerStateError("call_next is running already; await one call before the next")
        call = _Call(function, copy_context(), asyncio.Queue())
        self._depths.append(depth)
        try:
            return await self._attend(call, self._begin(call))
        except GeneratorExit:
            self._is_left = True
            self._inbox.put(_Answer(None, asyncio.CancelledError(), Context()))
            raise
        finally:
            self._depths.pop()
            self._is_waiting = bool(self._depths)

    def wait_for(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Run *work* on the loop and return its result; call it in the thread.

        Raises:
            ServerStateError: called on the loop, which it would block.
            BaseException: what *work* has raised.
        """
        if self._is_on_loop:
            raise ServerStateError("a plain middleware cannot wait on the event loop")
        if self._is_left or self._answers is None:
            raise asyncio.CancelledError
        self._post(self._answers, _Request(work, copy_context()))
        variables = _Variables()
        while True:
            message = self._inbox.get()
            variables.take_over(message.context)
            if isinstance(message, _Answer):
                break
            self._answer(message)
        try:
            return message.result()
        finally:
            del message  # no cycle of the error and its traceback

    @property
    def _is_on_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def _begin(self, call: "_Call") -> Call | None:
        """Give *call* to the thread; return what stands for it in the pool, if it begins there."""
        if self._is_waiting:
            self._is_waiting = False
            self._inbox.put(call)
            return None
        in_pool = _InPool(call.context, self._start, (call,))
        in_pool.call = call
        self._pool.start(in_pool)
        return in_pool

    async def _attend(self, call: "_Call", in_pool: Call | None) -> Any:
        """Run what the thread asks for, until *call* has its answer."""
        variables, is_cancelled = _Variables(), False
        while True:
            try:
                message = await call.answers.get()
            except asyncio.CancelledError:
                if in_pool is not None and self._pool.take_back(in_pool):
                    raise
                is_cancelled = True
                continue
            variables.take_over(message.context)
            if isinstance(message, _Answer):
                break
            self._is_waiting = True
            value, error = (
                (None, asyncio.CancelledError()) if is_cancelled else await message.ended()
            )
            self._is_waiting = is_cancelled = False
            self._inbox.put(_Answer(value, error, copy_context()))
            del error
        try:
            result = message.result()
        finally:
            del message  # no cycle of the error and its traceback
        if is_cancelled:
            raise asyncio.CancelledError
        return result

    # In the thread

    def _start(self, call: "_Call") -> None:
        self._thread = get_ident()
        self._answer(call)

    def _answer(self, call: "_Call") -> None:
        before, self._answers = self._answers, call.answers
        value, error = caught(call.function)
        self._answers = before
        with suppress(RuntimeError):  # the loop is closed, so nobody waits
            self._post(call.answers, _Answer(value, error, copy_context()))

    def _post(
        self, answers: "asyncio.Queue[_Answer | _Request]", sent: "_Answer | _Request"
    ) -> None:
        self._loop.call_soon_threadsafe(answers.put_nowait, sent)


class _Call(msgspec.Struct, frozen=True):
    """To the thread: call a function."""

    function: Callable[[], Any]
    context: Context
    answers: "asyncio.Queue[_Answer | _Request]"


class _InPool(Call):
    """What stands for a call in the pool."""

    __slots__ = ("call",)

    call: "_Call"

    @override
    def ended(self) -> None:
        if self.error is not None:  # the pool was closed before it had a thread for the call
            self.call.answers.put_nowait(_Answer(None, self.error, Context()))


class _Request(msgspec.Struct, frozen=True):
    """To the loop: run a coroutine."""

    work: Callable[[], Awaitable[Any]]
    context: Context

    async def ended(self) -> Ended:
        """Run it, and return how it has ended."""
        try:
            return await self.work(), None
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - it goes on in the thread
            return None, error


class _Answer(msgspec.Struct, frozen=True):
    """To either side: how a function or a coroutine has ended."""

    value: Any
    error: BaseException | None
    context: Context

    def result(self) -> Any:
        """Return the value, or raise the error."""
        try:
            if self.error is not None:
                raise self.error
            return self.value
        finally:
            del self


class _Variables:
    """The context variables that one function has taken over from the other side."""

    def __init__(self) -> None:
        self._new: dict[ContextVar[Any], Token[Any]] = {}

    def take_over(self, sent: Context) -> None:
        """Set the variables that differ in *sent*; forget those that it no longer has."""
        for variable, value in sent.items():
            found = variable.get(self)
            if found is not value:
                token = variable.set(value)
                if found is self:
                    self._new[variable] = token
        for variable in [each for each in self._new if each not in sent]:
            variable.reset(self._new.pop(variable))
