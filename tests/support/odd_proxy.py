"""A proxy in front of several servers, which lacks what some proxies and services lack."""

import socket
import socketserver
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self
from zlib import crc32

import hiredis

from tests.support.ports import free_port

CLOSING = frozenset((b"INFO", b"TIME", b"SUBSCRIBE", b"HELLO", b"BLMOVE", b"PUBSUB", b"CONFIG"))

Refuses = Callable[[list[bytes]], bool]


class OddProxy(AbstractContextManager[Any]):
    """Sends each command to the server that its first key stands for.

    Args:
        ports: of the servers.
        key_of: which part of a key decides; the whole key, without hash tags, if not given.
        closes_on: commands on which the connection is closed.
        refuses: whether a command is answered by an error.
    """

    def __init__(
        self,
        *ports: int,
        key_of: Callable[[bytes], bytes] = lambda key: key,
        closes_on: frozenset[bytes] = CLOSING,
        refuses: Refuses = lambda command: False,
    ) -> None:
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                proxy._serve(self.request)

        self._ports = ports
        self._key_of = key_of
        self._closes_on = closes_on
        self._refuses = refuses
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", free_port()), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._server.server_address[1]}/0"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, client: socket.socket) -> None:
        servers = [socket.create_connection(("127.0.0.1", port)) for port in self._ports]
        commands = hiredis.Reader()
        try:
            while data := client.recv(1 << 16):
                commands.feed(data)
                while (command := commands.gets()) is not False:
                    if command[0].upper() in self._closes_on:
                        return
                    client.sendall(self._answer(command, servers))
        except OSError:  # the client has gone
            return
        finally:
            for each in servers:
                each.close()

    def _answer(self, command: list[bytes], servers: list[socket.socket]) -> bytes:
        if self._refuses(command):
            return b"-ERR this is not permitted here\r\n"
        is_script = command[0].upper() in (b"EVAL", b"EVALSHA")
        key = command[3] if is_script else command[1] if len(command) > 1 else b""
        server = servers[crc32(self._key_of(key)) % len(servers)]
        server.sendall(hiredis.pack_command(tuple(command)))
        answer, reader = b"", hiredis.Reader()
        while reader.gets() is False:
            part = server.recv(1 << 16)
            reader.feed(part)
            answer += part
        return answer
