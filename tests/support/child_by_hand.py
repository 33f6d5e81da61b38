"""A child process for handlers, and a worker that says to it exactly what a test wants."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

from pyasynq.clock import steady_ns
from pyasynq.lifecycle.interpreter import command_of, socket_pair, standard_modules
from pyasynq.wire.message import TaskMessage, encode
from pyasynq.worker.execute.processes.child_process import PROGRAM
from pyasynq.worker.execute.processes.frames import FrameCutter
from pyasynq.worker.execute.processes.protocol import (
    FromChild,
    Run,
    Start,
    ToChild,
    encoded,
    from_child,
)
from pyasynq.worker.handlers.handler_path import HandlerPath, Main

TIMEOUT_S = 20.0  # only ends broken tests


class End:
    """Our end of one of the two sockets."""

    def __init__(self, end: socket.socket) -> None:
        end.settimeout(TIMEOUT_S)
        self._end = end
        self._cutter = FrameCutter()
        self._received: list[FromChild] = []

    def send(self, *messages: ToChild) -> None:
        self._end.sendall(b"".join(map(encoded, messages)))

    def receive(self) -> FromChild:
        while not self._received:
            data = self._end.recv(65536)
            assert data, "the child has ended"
            self._received += [from_child.decode(each) for each in self._cutter.cut(data)]
        return self._received.pop(0)


class ChildByHand:
    """A child that has been told how to be like its worker."""

    def __init__(self, calls: End, channel: End) -> None:
        self.calls = calls
        self.channel = channel
        self._number = 0
        self.calls.send(
            Start(
                import_path=list(sys.path),
                standard_modules=standard_modules(),
                arguments=["worker"],
                main=Main(),
                log=None,
            )
        )

    def next_call(self, handler: object, payload: bytes = b"") -> Run:
        """Return a call of *handler*, the first one with number 1; nothing is sent."""
        self._number += 1
        return Run(
            number=self._number,
            path=HandlerPath.of(handler),
            queue="default",
            task_id=f"task {self._number}",
            data=encode(TaskMessage(type="by hand", payload=payload)),
            started_ns=steady_ns(),
            pending_since_ns=None,
            server_id="server",
            sent_ns=steady_ns(),
            redis_ns=steady_ns(),
        )


@contextlib.contextmanager
def child_by_hand() -> Iterator[ChildByHand]:
    with socket_pair() as (calls, their_calls), socket_pair() as (channel, their_channel):
        descriptors = their_calls.fileno(), their_channel.fileno()
        process = subprocess.Popen(
            command_of(PROGRAM, *map(str, descriptors)), pass_fds=descriptors, cwd=os.sep
        )
    try:
        with calls, channel:
            yield ChildByHand(End(calls), End(channel))
    finally:
        process.kill()
        process.wait()
