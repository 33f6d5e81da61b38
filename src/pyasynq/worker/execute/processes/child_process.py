"""One child process, as the worker sees it."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable

from pyasynq.errors import HandlerProcessError, PyasynqError
from pyasynq.lifecycle.interpreter import (
    command_of,
    exit_text,
    socket_pair,
    standard_modules,
)
from pyasynq.worker.execute.processes.protocol import (
    Cancel,
    FromChild,
    Raised,
    Reported,
    Returned,
    Run,
    Start,
    ToChild,
    WriteResult,
    Written,
    encoded,
    exception_of,
    read_from_child,
)
from pyasynq.worker.handlers.handler_path import Main

PROGRAM = "pyasynq.worker.execute.processes.program"

END_TIMEOUT_S = 1.0  # between the end of the socket and that of the process

OnWrite = Callable[[bytes], Awaitable[None]]
OnReport = Callable[[Reported], None]


class ChildProcess:
    """A child that runs one handler at a time; made by `start_process`.

    It leads a process group: what its handlers have started ends with it, however it ends.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._is_sound = True
        # A process that the handler left behind may keep the socket open: watch the child itself.
        self._watch = asyncio.create_task(self._hang_up_at_end(), name="pyasynq handler process")

    @property
    def is_usable(self) -> bool:
        """Whether it can run another handler."""
        return self._is_sound and self._process.returncode is None

    async def run(
        self, call: Run, *, on_write: OnWrite, on_report: OnReport, grace_s: float
    ) -> Returned:
        """Run a handler and return what it returned.

        Cancelled, it interrupts the handler, and kills the process if that takes longer than
        *grace_s*.

        Raises:
            HandlerProcessError: the process ended before the handler did.
            BaseException: what the handler raised.
        """
        answer = asyncio.ensure_future(self._converse(call, on_write, on_report))
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            if not await self._interrupt(call, answer, grace_s):
                raise
            return answer.result()

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

    async def _converse(self, call: Run, on_write: OnWrite, on_report: OnReport) -> Returned:
        try:
            self._send(call)
            while True:
                match await self._read():
                    case Returned() as returned:
                        return returned
                    case Raised() as received:
                        raise exception_of(received)
                    case Reported() as reported:
                        if reported.number == call.number:
                            on_report(reported)
                    case WriteResult(result):
                        self._send(await _written(on_write, result))
        except _Broken as broken:
            raise HandlerProcessError(f"the process of the handler {broken}") from None

    async def _read(self) -> FromChild:
        try:
            return await read_from_child(self._reader)
        except EOFError:
            await asyncio.wait({self._watch}, timeout=END_TIMEOUT_S)
            how = self._ending() if self._watch.done() else "closed the socket of pyasynq"
        except ValueError:
            how = "wrote into the socket of pyasynq"
        self.kill()
        await self.ended()
        raise _Broken(how)

    def _send(self, frame: ToChild) -> None:
        self._writer.write(encoded(frame))

    async def _interrupt(
        self, call: Run, answer: "asyncio.Future[Returned]", grace_s: float
    ) -> bool:
        """Make the handler end; return whether it ended without being killed."""
        if not answer.done():
            self._send(Cancel(call.number))
            try:
                await asyncio.wait({answer}, timeout=grace_s)
            except asyncio.CancelledError:
                self.kill()
                raise
        if answer.done():
            return True
        self.kill()
        await asyncio.wait({answer})
        answer.exception()  # seen: the process was killed by us
        return False

    async def _hang_up_at_end(self) -> None:
        await self._process.wait()
        self._kill_group()
        self._writer.transport.abort()

    def _kill_group(self) -> None:
        # Without a group the child has not started anything yet, or nothing is left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _ending(self) -> str:
        code = self._process.returncode or 0
        hint = "; was there too little memory?" if code == -signal.SIGKILL else ""
        return f"{exit_text(code)}{hint}"


class _Broken(Exception):  # noqa: N818 - caught in this file
    """The child has ended, or has sent something else than frames."""


async def start_process() -> ChildProcess:
    """Start a child.

    Raises:
        OSError: the system cannot start another process.
    """
    with socket_pair() as (ours, theirs):
        descriptor = theirs.fileno()
        process = await asyncio.create_subprocess_exec(
            *command_of(PROGRAM, str(descriptor)),
            pass_fds=(descriptor,),
            stdin=asyncio.subprocess.DEVNULL,
        )
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.write(encoded(_start()))
    return ChildProcess(process, reader, writer)


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


async def _written(on_write: OnWrite, result: bytes) -> Written:
    try:
        await on_write(result)
    except PyasynqError as error:
        return Written(str(error))
    return Written()
