"""A server that sends what a test asks for, right or wrong, at the pace the test wants."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import hiredis

from tests.support.ports import free_port

BUFFER_BYTES = 1 << 16
TIMEOUT_S = 20.0  # for broken tests


class Peer:
    """The server's end of one connection."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self._reader = hiredis.Reader()

    def read(self, count: int = 1) -> list[Any]:
        """Return the next *count* commands."""
        commands: list[Any] = []
        while len(commands) < count:
            command = self._reader.gets()
            if command is not False:
                commands.append(command)
                continue
            data = self.channel.recv(BUFFER_BYTES)
            if not data:
                raise ConnectionError
            self._reader.feed(data)
        return commands

    def send(self, data: bytes) -> None:
        self.channel.sendall(data)


Script = Callable[[Peer], object]


class RogueServer:
    """Runs one of *scripts* for each connection, in order, and the last one for all others.

    The name that a client gives itself when it connects is taken before the script begins. A
    connection ends with its script.
    """

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self._socket = socket.socket()
        # Small, so that a large request has to wait for its reader.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.bind(("127.0.0.1", free_port()))
        self._socket.listen()
        self._threads: list[threading.Thread] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._socket.getsockname()[1]}/0"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def _start(self, call: Callable[[], object]) -> None:
        thread = threading.Thread(target=call, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                channel, _address = self._socket.accept()
                channel.settimeout(TIMEOUT_S)
                script = self._scripts[min(self.connections, len(self._scripts) - 1)]
                self.connections += 1
                self._start(lambda channel=channel, script=script: self._serve(channel, script))

    def _serve(self, channel: socket.socket, script: Script) -> None:
        peer = Peer(channel)
        with contextlib.suppress(OSError), channel:
            peer.read()
            peer.send(b"+OK\r\n")
            script(peer)
