"""A sentinel that says what a test wants, whether that is true or not."""

from types import TracebackType
from typing import Any, Self

from tests.support.rogue_server import Peer, RogueServer

NAME = "mymaster"


class ScriptedSentinel:
    """Answers questions for the master, and publishes events.

    Attributes:
        port: of the master that it names.
        epoch, flags: of that master, as SENTINEL MASTERS tells them.
        questions: how often it was asked.
        subscriptions: how many have subscribed so far.

    Args:
        is_silent: it answers no PING.
    """

    def __init__(
        self, port: int, *, epoch: int = 1, flags: str = "master", is_silent: bool = False
    ) -> None:
        self.port, self.epoch, self.flags = port, epoch, flags
        self.questions = self.subscriptions = 0
        self._is_silent = is_silent
        self._listeners: list[Peer] = []
        self._server = RogueServer(self._serve)

    @property
    def address(self) -> str:
        return self._server.url.removeprefix("redis://").removesuffix("/0")

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def publish(self, channel: str, payload: str) -> None:
        """Send an event to whoever listens."""
        for peer in list(self._listeners):
            peer.send(_array(b"message", channel.encode(), payload.encode()))

    def hang_up(self) -> None:
        """Close the connections of those who listen."""
        for peer in list(self._listeners):
            peer.channel.shutdown(2)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def _serve(self, peer: Peer) -> None:
        try:
            while True:
                (command,) = peer.read()
                peer.send(self._answer(peer, [each.upper() for each in command], command))
        finally:
            if peer in self._listeners:
                self._listeners.remove(peer)

    def _answer(self, peer: Peer, words: list[bytes], command: list[Any]) -> bytes:
        if words[0] == b"SUBSCRIBE":
            self._listeners.append(peer)
            self.subscriptions += 1
            return b"".join(
                _array(b"subscribe", channel, count)
                for count, channel in enumerate(command[1:], start=1)
            )
        if words[0] == b"PING" and self._is_silent:
            return b""
        if words[0] == b"PING":
            return _array(b"pong", b"") if peer in self._listeners else b"+PONG\r\n"
        self.questions += 1
        if words[:2] == [b"SENTINEL", b"MASTERS"]:
            return b"*1\r\n" + _array(
                *(b"name", NAME.encode(), b"ip", b"127.0.0.1", b"port", b"%d" % self.port),
                *(b"flags", self.flags.encode(), b"config-epoch", b"%d" % self.epoch),
            )
        return _array(b"127.0.0.1", b"%d" % self.port)


def _array(*parts: bytes | int) -> bytes:
    texts = [
        b":%d\r\n" % each if isinstance(each, int) else b"$%d\r\n%b\r\n" % (len(each), each)
        for each in parts
    ]
    return b"*%d\r\n%b" % (len(parts), b"".join(texts))
