"""A server that is no Redis: it sends a greeting to everybody who connects, and listens."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.support.ports import free_port


@contextlib.contextmanager
def greeting_server(greeting: bytes = b"") -> Iterator[int]:
    """Yield the port of a server that sends *greeting*, and never anything else."""
    with socket.create_server(("127.0.0.1", free_port())) as listening:
        channels: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    channel, _address = listening.accept()
                    channels.append(channel)
                    channel.sendall(greeting)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        for channel in channels:
            channel.close()
