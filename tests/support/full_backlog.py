"""A port at which connecting never ends, as behind a firewall that drops everything."""

import contextlib
import socket
from collections.abc import Iterator

from tests.support.ports import free_port


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """Yield a port whose queue of connections is full, and stays so."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", free_port()))
        listening.listen(0)
        address = listening.getsockname()
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield address[1]
