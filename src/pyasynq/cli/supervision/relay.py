"""One stream of output for many processes: their lines, whole and marked.

A thread reads the pipes and is the only one that writes, so lines never mix; and whoever adds a
line is never held up by a terminal that is. Output that nobody takes any more is thrown away, for
the processes must not notice.
"""

import contextlib
import logging
import os
import select
import selectors
import socket
import threading
from collections import deque
from dataclasses import dataclass

from typing_extensions import override

LONGEST_LINE = 1 << 16  # bytes; a longer one is broken
CLOSE_TIMEOUT_S = 2.0


@dataclass(slots=True)
class _Source:
    """The output of a process: its mark, where it goes, and the beginning of a line."""

    mark: bytes
    sink: int
    begun: bytes = b""

    def lines(self, received: bytes) -> bytes:
        """Return the whole lines, marked; keep the rest."""
        *lines, self.begun = (self.begun + received).split(b"\n")
        if len(self.begun) > LONGEST_LINE:
            lines.append(self.begun)
            self.begun = b""
        return b"".join(self._marked(line) for line in lines)

    def rest(self) -> bytes:
        """Return what was begun, as a line."""
        begun, self.begun = self.begun, b""
        return self._marked(begun) if begun else b""

    def _marked(self, line: bytes) -> bytes:
        # A mark would spoil records in JSON; what reads those can tell processes by a field.
        mark = b"" if line.startswith(b"{") else self.mark
        return b"%b%b\n" % (mark, line)


class LineRelay:
    """Writes lines of many processes."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._ears, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        self._selector.register(self._ears, selectors.EVENT_READ)
        self._said: deque[tuple[int, bytes]] = deque()
        self._added: deque[tuple[int, _Source]] = deque()
        self._is_closing = False
        self._closed_sinks: set[int] = set()
        self._thread = threading.Thread(target=self._work, name="pyasynq line relay", daemon=True)
        self._thread.start()

    def say(self, line: str, *, sink: int = 2) -> None:
        """Write a line of our own."""
        self._said.append((sink, line.encode(errors="backslashreplace") + b"\n"))
        self._ring()

    def pipe(self, *, mark: str, sink: int) -> int:
        """Return a descriptor whose lines are written to *sink*; close it after passing it on."""
        ours, theirs = os.pipe()
        self._added.append((ours, _Source(mark.encode(), sink)))
        self._ring()
        return theirs

    def close(self) -> None:
        """Write what has been written by processes that have ended, and end."""
        self._is_closing = True
        self._ring()
        self._thread.join(CLOSE_TIMEOUT_S)
        self._bell.close()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # it rings already, or it is closed
            self._bell.send(b"!")

    def _work(self) -> None:
        while True:
            is_last = self._is_closing
            ready = self._selector.select(0 if is_last else None)
            for key, _events in ready:
                if key.fileobj is self._ears:
                    self._ears.recv(4096)
                else:
                    self._read(key.fd, key.data)
            self._take_in()
            if is_last and not ready:
                break
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, _Source):
                self._write(key.data.sink, key.data.rest())
                os.close(key.fd)
        self._selector.close()
        self._ears.close()

    def _take_in(self) -> None:
        while self._added:
            descriptor, source = self._added.popleft()
            self._selector.register(descriptor, selectors.EVENT_READ, source)
        while self._said:
            self._write(*self._said.popleft())

    def _read(self, descriptor: int, source: _Source) -> None:
        received = os.read(descriptor, LONGEST_LINE)
        if received:
            self._write(source.sink, source.lines(received))
            return
        self._write(source.sink, source.rest())
        self._selector.unregister(descriptor)
        os.close(descriptor)

    def _write(self, sink: int, text: bytes) -> None:
        while text and sink not in self._closed_sinks:
            try:
                text = text[os.write(sink, text) :]
            except BlockingIOError:  # somebody else who shares the terminal wants it so
                select.select([], [sink], [])
            except OSError:
                self._closed_sinks.add(sink)


class RelayHandler(logging.Handler):
    """Logs through a relay."""

    def __init__(self, relay: LineRelay) -> None:
        super().__init__()
        self._relay = relay

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Write *record*; a later close of the relay loses nothing that was logged before."""
        self._relay.say(self.format(record))
