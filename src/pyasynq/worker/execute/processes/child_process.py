"""One child process, as the worker sees it."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

from pyasynq.errors import HandlerProcessError, PyasynqError
from pyasynq.lifecycle.interpreter import (
    command_of,
    exit_text,
    socket_pair,
    standard_modules,
)
from pyasynq.worker.execute.processes.connection import Connection, Loss
from pyasynq.worker.execute.processes.protocol import (
    Cancel,
    FromChild,
    Raised,
    Returned,
    Run,
    Start,
    WriteResult,
    Written,
    exception_of,
    from_child,
)
from pyasynq.worker.handlers.handler_path import Main

PROGRAM = "pyasynq.worker.execute.processes.program"

END_TIMEOUT_S = 1.0  # between the end of the sockets and that of the process

OnWrite = Callable[[bytes], Awaitable[None]]
Answer = Returned | Raised | HandlerProcessError


class _Call:
    """A handler that runs in a child.

    Attributes:
        number: of its `Run`.
        ended: done once there is an answer; another one after a cancellation.
    """

    __slots__ = ("answer", "ended", "number", "on_write")

    def __init__(self, number: int, on_write: OnWrite, ended: "asyncio.Future[Answer]") -> None:
        self.number = number
        self.on_write = on_write
        self.ended = ended
        self.answer: Answer | None = None


class ChildProcess:
    """A child that runs one handler at a time; made by `start_process`.

    It leads a process group: what its handlers have started ends with it, however it ends.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._calls = Connection(from_child, self._on_message, self._on_loss)
        self._channel = Connection(from_child, self._on_message, self._on_loss)
        self._call: _Call | None = None  # the one that runs now
        self._writes: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()  # results are stored in the order in which they come
        self._is_sound = True
        self._offence = ""  # what it was killed for
        self._end = ""  # how it has ended
        # A process that the handler left behind may keep the sockets open: watch the child itself.
        self._watch = asyncio.create_task(self._see_end(), name="pyasynq handler process")

    @property
    def is_usable(self) -> bool:
        """Whether it can run another handler."""
        return self._is_sound and self._process.returncode is None

    async def connect(self, calls: socket.socket, channel: socket.socket) -> None:
        """Take our ends of the two sockets, and tell the child how to be like the worker."""
        await self._calls.open(calls)
        await self._channel.open(channel)
        self._calls.send(_start())

    async def run(self, call: Run, *, on_write: OnWrite, grace_s: float) -> Returned:
        """Run a handler and return what it returned.

        Cancelled, it interrupts the handler, and kills the process if that takes longer than
        *grace_s*.

        Raises:
            HandlerProcessError: the process ended before the handler did.
            BaseException: what the handler raised.
        """
        current = self._call = _Call(call.number, on_write, self._loop.create_future())
        try:
            if self._end:
                raise HandlerProcessError(self._end)
            self._calls.send(call)
            try:
                answer = await current.ended
            except asyncio.CancelledError:
                given = await self._interrupt(current, grace_s)
                if given is None:
                    raise
                answer = given
            if self._writes:  # of a thread for which the handler has not waited
                await asyncio.wait(self._writes)
        finally:
            self._call = None
        if isinstance(answer, Returned):
            return answer
        raise exception_of(answer) if isinstance(answer, Raised) else answer

    def kill(self) -> None:
        """Kill the process and what it has started; safe to repeat."""
        self._is_sound = False
        if not self._watch.done():  # afterwards its ID may be that of another process
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._kill_group()

    async def ended(self) -> None:
        """Wait for the end of the process."""
        await asyncio.wait({self._watch})

    def _answer(self, answer: Answer) -> None:
        call = self._call
        if call is None or call.answer is not None:
            return
        call.answer = answer
        if not call.ended.done():
            call.ended.set_result(answer)

    def _on_message(self, message: FromChild) -> None:
        if isinstance(message, WriteResult):
            write = self._loop.create_task(self._write(message), name="pyasynq handler result")
            self._writes.add(write)
            write.add_done_callback(self._writes.discard)
        else:
            self._answer(message)

    async def _write(self, message: WriteResult) -> None:
        async with self._one_at_a_time:
            error = await self._write_error(message)
        self._channel.send(Written(message.number, error))

    async def _write_error(self, message: WriteResult) -> str:
        """Store a result; return why it is not stored, if it is not."""
        call = self._call
        if call is None or call.number != message.call:
            return "the handler of this task has ended"
        try:
            await call.on_write(message.result)
        except PyasynqError as error:
            return str(error)
        return ""

    def _on_loss(self, loss: Loss) -> None:
        self._is_sound = False
        if loss is Loss.GARBAGE:
            self._kill_for(loss)
        else:  # most likely because the process has ended
            self._loop.call_later(END_TIMEOUT_S, self._kill_for, loss)

    def _kill_for(self, loss: Loss) -> None:
        if not self._end:
            self._offence = self._offence or loss.value
            self.kill()

    async def _interrupt(self, current: _Call, grace_s: float) -> Answer | None:
        """Make the handler end; return what it came to, or None if it had to be killed."""
        if current.answer is None:
            self._channel.send(Cancel(current.number))
            current.ended = self._loop.create_future()
            try:
                await asyncio.wait({current.ended}, timeout=grace_s)
            except asyncio.CancelledError:
                self.kill()
                raise
        if current.answer is None:
            self.kill()
            await self.ended()
            return None
        return current.answer

    async def _see_end(self) -> None:
        await self._process.wait()
        self._kill_group()
        self._calls.close()
        self._channel.close()
        self._end = f"the process of the handler {self._offence or self._ending()}"
        self._answer(HandlerProcessError(self._end))

    def _kill_group(self) -> None:
        # Without a group the child has not started anything yet, or nothing is left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _ending(self) -> str:
        code = self._process.returncode or 0
        hint = "; was there too little memory?" if code == -signal.SIGKILL else ""
        return f"{exit_text(code)}{hint}"


async def start_process() -> ChildProcess:
    """Start a child.

    Raises:
        OSError: the system cannot start another process.
    """
    with socket_pair() as (calls, their_calls), socket_pair() as (channel, their_channel):
        descriptors = their_calls.fileno(), their_channel.fileno()
        process = await asyncio.create_subprocess_exec(
            *command_of(PROGRAM, *map(str, descriptors)),
            pass_fds=descriptors,
            stdin=asyncio.subprocess.DEVNULL,
        )
    child = ChildProcess(process)
    try:
        await child.connect(calls, channel)
    except BaseException:
        channel.close()
        child.kill()
        raise
    return child


def _start() -> Start:
    root = logging.getLogger()
    formatter = root.handlers[0].formatter if root.handlers else None
    return Start(
        import_path=list(sys.path),
        standard_modules=standard_modules(),
        arguments=list(sys.argv),
        main=Main.of_this_process(),
        log_level=root.level,
        log_format=formatter._fmt if formatter else None,  # noqa: SLF001 - it has no other name
    )
