"""How many connections a server holds.

Visitors who connect and say nothing must not take all the files that a process may open: a worker
needs some for Redis.
"""

import asyncio
from typing import Any

MOST = 512


def bounded(protocol: Any, most: int = MOST) -> Any:
    """Return a protocol that hangs up on the visitor who has been silent for longest.

    That happens whenever there is one more connection than *most*.

    Args:
        protocol: a class of asyncio's protocols, whose objects serve a connection each.
    """
    transports: dict[object, asyncio.BaseTransport] = {}  # who was heard last comes last

    class Bounded(protocol):  # type: ignore[misc]  # whatever the server has chosen
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transports[self] = transport
            super().connection_made(transport)
            if len(transports) > most:
                transports.pop(next(iter(transports))).abort()  # type: ignore[attr-defined]  # of a socket

        def data_received(self, data: bytes) -> None:
            if self in transports:
                transports[self] = transports.pop(self)
            super().data_received(data)

        def connection_lost(self, error: Exception | None) -> None:
            transports.pop(self, None)
            super().connection_lost(error)

    return Bounded
