"""The two sockets between a child and its worker, as the child sees them."""

import asyncio
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable
from itertools import count

from pyasynq.errors import PyasynqError
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.execute.processes.connection import Connection, Loss
from pyasynq.worker.execute.processes.frames import FrameCutter
from pyasynq.worker.execute.processes.protocol import (
    Cancel,
    Reported,
    ToChild,
    WriteResult,
    Written,
    encoded,
    to_child,
)

CHUNK_SIZE = 64 * 1024


class WorkerCalls:
    """The socket of the calls. Whoever asks for one waits without an event loop."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(True)
        self._end = end
        self._cutter = FrameCutter()
        self._received: deque[ToChild] = deque()

    def receive(self) -> ToChild:
        """Wait for the next message.

        Raises:
            EOFError: the worker is gone.
            OSError: it is gone, or a handler has closed the socket.
        """
        while not self._received:
            data = self._end.recv(CHUNK_SIZE)
            if not data:
                raise EOFError
            self._received.extend(map(to_child.decode, self._cutter.cut(data)))
        return self._received.popleft()

    def send(self, frame: bytearray) -> None:
        """Send a frame.

        Raises:
            OSError: as `receive`.
        """
        self._end.sendall(frame)


class WorkerChannel:
    """The other socket, served by an event loop in a thread of its own.

    Args:
        on_cancel: called, in that thread, with the number of the call to interrupt.
    """

    def __init__(self, end: socket.socket, *, on_cancel: Callable[[int], None]) -> None:
        self.loop = asyncio.new_event_loop()
        self._on_cancel = on_cancel
        self._numbers = count(1)
        self._writes: dict[int, asyncio.Future[str]] = {}
        self._connection = Connection(to_child, self._on_message, self._on_loss)
        self.loop.run_until_complete(self._connection.open(end))
        threading.Thread(target=self._run, name="pyasynq worker channel", daemon=True).start()

    async def report(self, reported: Reported) -> None:
        """Tell the worker how far a handler is; runs on the loop of this channel."""
        self._connection.send(encoded(reported))

    async def write_result(self, call: int, running: RunningTask, result: bytes) -> None:
        """Let the worker store a result at once; runs on the loop of this channel.

        Args:
            call: number of the call that *running* is of.
        """
        del running
        number = next(self._numbers)
        written = self._writes[number] = self.loop.create_future()
        try:
            self._connection.send(encoded(WriteResult(call, number, result)))
            error = await written
        finally:
            del self._writes[number]
        if error:
            raise PyasynqError(error)

    def _run(self) -> None:
        try:
            self.loop.run_forever()
        finally:
            end_process()

    def _on_message(self, message: ToChild) -> None:
        match message:
            case Cancel(number):
                self._on_cancel(number)
            case Written(number, error):
                written = self._writes.get(number)
                if written is not None and not written.done():
                    written.set_result(error)
            case _:
                pass

    def _on_loss(self, _loss: Loss) -> None:
        end_process()  # the worker is gone: nobody waits for the handler


def end_process() -> None:
    """End this process and what its handlers have started."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)
