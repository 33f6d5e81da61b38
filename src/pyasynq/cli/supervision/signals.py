"""Signals as something to wait for."""

import os
import signal
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType


class SignalQueue:
    """The signals that have arrived; `channel` becomes readable when there are any."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel

    def take(self) -> list[signal.Signals]:
        """Return those that arrived since the last call, in order."""
        try:
            return [signal.Signals(number) for number in self.channel.recv(4096)]
        except BlockingIOError:
            return []


@contextmanager
def queued_signals(numbers: Iterable[signal.Signals]) -> Iterator[SignalQueue]:
    """Collect signals around a block; they do nothing else meanwhile."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    before = {number: signal.signal(number, _nothing) for number in numbers}
    last = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    try:
        yield SignalQueue(ours)
    finally:
        signal.set_wakeup_fd(last)
        for number, handler in before.items():
            signal.signal(number, handler)
        ours.close()
        theirs.close()


def reap() -> Iterator[tuple[int, int]]:
    """Yield ID and status of every child that has ended, orphans included.

    The first process of a container inherits all processes whose parents are gone.
    """
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Replace what Python does by default."""
