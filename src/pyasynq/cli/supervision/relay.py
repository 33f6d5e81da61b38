"""One stream of output for many processes: their lines, whole and marked.

A thread reads the pipes and is the only one that writes, so lines never mix, and a terminal that
hangs delays nobody else. Output that nobody reads any more is thrown away, for the processes must
not notice.
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
    """The output of a process: its mark, its destination, and an unfinished line."""

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
        # A mark would spoil records in JSON; their reader can tell processes apart by a field.
        mark = b"" if line.startswith(b"{") else self.mark
        return b"%b%b\n" % (mark, line)


class LineRelay:
    """Writes lines of many processes."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_writer.setblocking(False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        self._own_lines: deque[tuple[int, bytes]] = deque()
        self._added: deque[tuple[int, _Source]] = deque()
        self._is_closing = False
        self._closed_sinks: set[int] = set()
        self._thread = threading.Thread(target=self._work, name="pyasynq line relay", daemon=True)
        self._thread.start()

    def write_line(self, line: str, *, sink: int = 2) -> None:
        """Write a line of our own."""
        self._own_lines.append((sink, line.encode(errors="backslashreplace") + b"\n"))
        self._wake()

    def pipe(self, *, mark: str, sink: int) -> int:
        """Return a descriptor whose lines are written to *sink*; close it after passing it on."""
        ours, theirs = os.pipe()
        self._added.append((ours, _Source(mark.encode(), sink)))
        self._wake()
        return theirs

    def close(self) -> None:
        """Write the rest of what processes that have ended have written; then stop."""
        self._is_closing = True
        self._wake()
        self._thread.join(CLOSE_TIMEOUT_S)
        self._wake_writer.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # it is about to wake already, or it is closed
            self._wake_writer.send(b"!")

    def _work(self) -> None:
        while True:
            is_last = self._is_closing
            ready = self._selector.select(0 if is_last else None)
            for key, _events in ready:
                if key.fileobj is self._wake_reader:
                    self._wake_reader.recv(4096)
                else:
                    self._read(key.fd, key.data)
            self._take_new()
            if is_last and not ready:
                break
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, _Source):
                self._write(key.data.sink, key.data.rest())
                os.close(key.fd)
        self._selector.close()
        self._wake_reader.close()

    def _take_new(self) -> None:
        while self._added:
            descriptor, source = self._added.popleft()
            self._selector.register(descriptor, selectors.EVENT_READ, source)
        while self._own_lines:
            self._write(*self._own_lines.popleft())

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
            except BlockingIOError:  # a program that shares the terminal has set it so
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
        self._relay.write_line(self.format(record))
