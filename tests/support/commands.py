"""Records which commands a server was sent, as MONITOR shows them."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import redis

from tests.support.redis_server import RedisServer


class Commands(AbstractContextManager[Any]):
    """The commands of all other clients, but not what scripts call, since the last question."""

    def __init__(self, server: RedisServer) -> None:
        self._client = redis.Redis(unix_socket_path=server.socket, protocol=2)
        self._monitor = self._client.monitor()

    def __enter__(self) -> Self:
        self._monitor.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._monitor.__exit__(kind, error, trace)
        self._client.close()

    def sent(self) -> list[str]:
        """Return the names of the commands that were sent since the last call, in order."""
        return [text.split(" ", 1)[0].lower() for text in self.texts()]

    def texts(self) -> list[str]:
        """Return the whole commands that were sent since the last call, in order."""
        mark = uuid4().hex
        self._client.echo(mark)
        texts: list[str] = []
        while True:
            each = self._monitor.next_command()
            text: str = each["command"]
            if mark in text:
                return texts
            is_ours = each["client_type"] != "lua"
            if is_ours and not text.lower().startswith("client "):  # a connection introduces itself
                texts.append(text)
