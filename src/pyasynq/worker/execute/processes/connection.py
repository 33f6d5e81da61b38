"""One end of a socket between a worker and a child process, on an event loop."""

import asyncio
import socket
from collections.abc import Callable
from enum import Enum
from typing import Generic, TypeVar, cast

import msgspec
from typing_extensions import override

from pyasynq.worker.execute.processes.frames import FrameCutter, FrameError

Received = TypeVar("Received")


class Loss(Enum):
    """Why nothing more comes from the other end; the value says what the process there did."""

    CLOSED = "closed the socket of pyasynq"
    GARBAGE = "wrote into the socket of pyasynq"


class Connection(asyncio.Protocol, Generic[Received]):
    """Receives messages, and sends frames.

    Args:
        decoder: for what is received.
        on_message: called with each message.
        on_loss: called once, when nothing more will come, also after `close`.
    """

    def __init__(
        self,
        decoder: msgspec.msgpack.Decoder[Received],
        on_message: Callable[[Received], None],
        on_loss: Callable[[Loss], None],
    ) -> None:
        self._decoder = decoder
        self._on_message = on_message
        self._on_loss = on_loss
        self._cutter = FrameCutter()
        self._transport: asyncio.Transport | None = None

    async def open(self, end: socket.socket) -> None:
        """Take over *end*; it is closed if this fails."""
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, sock=end)
        except BaseException:
            end.close()
            raise

    def send(self, frame: bytearray) -> None:
        """Send a frame; does nothing once the connection is lost."""
        if self._transport is not None:
            self._transport.write(frame)

    def close(self) -> None:
        """Drop the connection, and what has not been sent yet; safe to repeat."""
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # a socket of the stream kind

    @override
    def data_received(self, data: bytes) -> None:
        try:
            for body in self._cutter.cut(data):
                self._on_message(self._decoder.decode(body))
        except (FrameError, msgspec.DecodeError):
            self._lose(Loss.GARBAGE)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._lose(Loss.CLOSED)

    def _lose(self, loss: Loss) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
            self._on_loss(loss)
