"""Ports for servers of this test process: no other test process gets them, and none is given twice.

A port that the system offers may go to somebody else before a server listens on it; and a client
that a test has left behind may find the server of another test on the port that it knows. So each
process takes blocks of ports from below those that systems offer. It binds the first port of a
block and keeps it as long as it lives: that holds the block.
"""

import socket
from collections.abc import Iterator

FIRST, END, BLOCK = 10_000, 32_000, 500

_held: list[socket.socket] = []


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on, and nobody else is given."""
    return next(_ports)


def _own_ports() -> Iterator[int]:
    for first in range(FIRST, END, BLOCK):
        holding = socket.socket()
        try:
            holding.bind(("127.0.0.1", first))
        except OSError:  # another process has this block
            holding.close()
            continue
        _held.append(holding)
        yield from filter(_is_free, range(first + 1, first + BLOCK))
    raise RuntimeError(f"no port from {FIRST} to {END} is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


_ports = _own_ports()
