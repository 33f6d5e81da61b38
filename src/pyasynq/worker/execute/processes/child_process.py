"""One child process, as the worker sees it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import HandlerProcessError, PyasynqError
from pyasynq.lifecycle.interpreter import (
    command_of,
    exit_text,
    socket_pair,
    standard_modules,
)
from pyasynq.worker.execute.processes.connection import Connection, Loss
from pyasynq.worker.execute.processes.log_set_up import log_set_up
from pyasynq.worker.execute.processes.protocol import (
    Cancel,
    FromChild,
    Raised,
    Reported,
    Returned,
    Start,
    WriteResult,
    Written,
    encoded,
    from_child,
)
from pyasynq.worker.handlers.handler_path import Main

PROGRAM = "pyasynq.worker.execute.processes.program"

END_TIMEOUT_S = 1.0  # between the end of the sockets and that of the process

OnWrite = Callable[[bytes], Awaitable[None]]
OnReport = Callable[[Reported], None]
Answer = Returned | Raised | HandlerProcessError


class Call:
    """A handler that is to run in a child, or runs there.

    Args:
        number: of its `Run`.
        frame: that `Run` as it is sent, so that nothing can go wrong in the turn of another call.
        on_write: stores a result at once.
        on_report: takes how far the handler is.

    Attributes:
        on_report: None once the last report has come.
        answer: what it has come to, or why it never will; None before that.
        answered: done when who waits for the answer was told; another one after a cancellation.
        process: where it runs; None if it waits.
        writes: results that are being stored.
    """

    __slots__ = (
        "answer",
        "answered",
        "frame",
        "number",
        "on_report",
        "on_write",
        "process",
        "writes",
    )

    def __init__(
        self, number: int, frame: bytearray, *, on_write: OnWrite, on_report: OnReport
    ) -> None:
        self.number: int = number
        self.frame: bytearray = frame
        self.on_write: OnWrite = on_write
        self.on_report: OnReport | None = on_report
        self.answer: Answer | None = None
        self.answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.process: ChildProcess | None = None
        self.writes: set[asyncio.Task[None]] = set()

    def set_answer(self, answer: Answer) -> None:
        """Take the answer, and tell who waits for it; only the first one counts."""
        if self.answer is None:
            self.answer = answer
            self.tell()

    def tell(self) -> None:
        """Tell who waits that there is an answer."""
        if self.answer is not None and not self.answered.done():
            self.answered.set_result(self.answer)


class ChildProcess:
    """A child that runs one handler at a time; made by `start_process`.

    It leads a process group: what its handlers have started ends with it, however it ends.

    Args:
        on_answer: called with each call as soon as it has its answer, of which nobody was told yet;
            the next one can be started then, if the process is still usable.
        on_end: called when it has ended, once nobody waits for an answer any more.

    Attributes:
        end: how it has ended; empty before that.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        *,
        on_answer: Callable[["ChildProcess", Call], None],
        on_end: Callable[["ChildProcess"], None],
    ) -> None:
        self._process = process
        self._give_answer = on_answer
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._calls = Connection(from_child, self._on_answer, self._on_loss)
        self._channel = Connection(from_child, self._on_message, self._on_loss)
        self._call: Call | None = None  # the one that runs now
        self._one_at_a_time = asyncio.Lock()  # results are stored in the order in which they come
        self._is_sound = True
        self._offence = ""  # what it was killed for
        self.end: str = ""
        # A process that the handler left behind may keep the sockets open: watch the child itself.
        self._watch = asyncio.create_task(self._see_end(), name="pyasynq handler process")

    @property
    def is_usable(self) -> bool:
        """Whether it can run another handler."""
        return self._is_sound and self._process.returncode is None

    async def connect(self, calls: socket.socket, channel: socket.socket, start: Start) -> None:
        """Take our ends of the two sockets, and tell the child how to be like the worker."""
        await self._calls.open(calls)
        await self._channel.open(channel)
        self._calls.send(encoded(start))

    def start(self, call: Call) -> None:
        """Start a handler; the process must be usable and have answered the call before."""
        call.process = self
        self._call = call
        self._calls.send(call.frame)

    async def interrupt(self, call: Call, grace_s: float) -> None:
        """Make the handler of *call* end, and kill the process if that takes longer.

        Then there is an answer, unless the process had to be killed, which has ended then.
        """
        if call.answer is None:
            self._channel.send(encoded(Cancel(call.number)))
            call.answered = self._loop.create_future()
            try:
                await asyncio.wait({call.answered}, timeout=grace_s)
            except asyncio.CancelledError:
                self.kill()
                raise
        if call.answer is None:
            self._call = None  # nobody waits for its answer
            self.kill()
            await self.ended()

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

    def _on_answer(self, message: FromChild) -> None:
        """Take what the main thread of the child sends: the last report, and the answer."""
        call = self._call
        if call is None:
            return
        if isinstance(message, Reported):
            _report(call, message)
            call.on_report = None  # one on the channel is older, whenever it comes
        elif isinstance(message, Returned | Raised):
            self._call = None
            call.answer = message
            self._give_answer(self, call)

    def _on_message(self, message: FromChild) -> None:
        """Take what the other thread of the child sends, while a handler runs or later."""
        call = self._call
        if isinstance(message, WriteResult):
            is_current = call is not None and call.number == message.call
            self._begin_write(call if is_current else None, message)
        elif isinstance(message, Reported) and call is not None:
            _report(call, message)

    def _begin_write(self, call: Call | None, message: WriteResult) -> None:
        if call is None:
            too_late = Written(message.number, "the handler of this task has ended")
            self._channel.send(encoded(too_late))
            return
        write = self._loop.create_task(self._write(call, message), name="pyasynq handler result")
        call.writes.add(write)
        write.add_done_callback(call.writes.discard)

    async def _write(self, call: Call, message: WriteResult) -> None:
        error = ""
        async with self._one_at_a_time:
            try:
                await call.on_write(message.result)
            except PyasynqError as failed:
                error = str(failed)
        self._channel.send(encoded(Written(message.number, error)))

    def _on_loss(self, loss: Loss) -> None:
        self._is_sound = False
        if loss is Loss.GARBAGE:
            self._kill_for(loss)
        elif self._process.returncode is None:  # most likely it ends
            self._loop.call_later(END_TIMEOUT_S, self._kill_for, loss)

    def _kill_for(self, loss: Loss) -> None:
        self._offence = self._offence or loss.value
        self.kill()

    async def _see_end(self) -> None:
        await self._process.wait()
        self._is_sound = False
        self._kill_group()
        self._calls.close()
        self._channel.close()
        call, self._call = self._call, None
        self.end = f"the process of the handler {self._offence or self._ending()}"
        if call is not None:
            call.set_answer(HandlerProcessError(self.end))
        self._on_end(self)

    def _kill_group(self) -> None:
        # Without a group the child has not started anything yet, or nothing is left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _ending(self) -> str:
        code = self._process.returncode or 0
        hint = "; was there too little memory?" if code == -signal.SIGKILL else ""
        return f"{exit_text(code)}{hint}"


async def start_process(
    redis: ConnectionOptions | None = None,
    *,
    on_answer: Callable[[ChildProcess, Call], None],
    on_end: Callable[[ChildProcess], None],
) -> ChildProcess:
    """Start a child; see `ChildProcess`.

    Args:
        redis: what its handlers enqueue to; None leaves that to their code.

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
    child = ChildProcess(process, on_answer=on_answer, on_end=on_end)
    try:
        await child.connect(calls, channel, _start(redis))
    except BaseException:
        channel.close()
        child.kill()
        await child.ended()
        raise
    return child


def _start(redis: ConnectionOptions | None) -> Start:
    return Start(
        import_path=list(sys.path),
        standard_modules=standard_modules(),
        arguments=list(sys.argv),
        main=Main.of_this_process(),
        log=log_set_up(),
        redis=redis,
    )


def _report(call: Call, reported: Reported) -> None:
    if call.on_report is not None and call.number == reported.number:
        call.on_report(reported)
