"""The server that an application runs in: its kind, and its life."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.types import Receive, Send


def is_wsgi(scope: Mapping[str, Any]) -> bool:
    """Return whether a WSGI server asks, through a2wsgi.

    A request occupies a thread of such a server until it is answered, so what is answered without
    an end must be refused.

    Args:
        scope: of the request, by ASGI; a2wsgi puts the environment of WSGI into it.
    """
    return "wsgi_environ" in scope


def raw_path(scope: Mapping[str, Any]) -> bytes | None:
    """Return the path of a request as it was sent, without its query; None if nobody has kept it.

    Args:
        scope: of the request, by ASGI. Of WSGI's servers, some keep it under one of two names.
    """
    if not is_wsgi(scope):
        raw = scope.get("raw_path")
        return raw.partition(b"?")[0] if isinstance(raw, bytes) else None
    environment: Mapping[str, Any] = scope["wsgi_environ"]
    sent: str = environment.get("RAW_URI") or environment.get("REQUEST_URI") or ""
    return sent.encode("latin-1", "replace").partition(b"?")[0] or None


def peer_of(scope: Mapping[str, Any]) -> str:
    """Return the address that a request comes from; empty if the server does not tell it."""
    if is_wsgi(scope):  # a2wsgi forgets an address without a port, as Django's server tells it
        address: str = scope["wsgi_environ"].get("REMOTE_ADDR", "")
        return address
    client = scope.get("client")
    return client[0] if client else ""


async def follow_lifespan(
    receive: Receive, send: Send, at_end: Callable[[], Awaitable[None]]
) -> None:
    """Follow the life of a server; nothing is opened at its start.

    Args:
        at_end: closes what requests have opened.
    """
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await at_end()
    await send({"type": "lifespan.shutdown.complete"})
