"""Serves the web UI on uvicorn: by itself, or in a thread beside something else."""

import asyncio
import contextlib
import ipaddress
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Protocol

import uvicorn
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from pyasynq.lifecycle.run_until_signal import run_until_signal
from pyasynq.web.connections import bounded

GRACE_S = 1  # for requests that are open when it is to stop
JOIN_S = 2.0  # for the thread, which nobody waits for any longer

logger = logging.getLogger("pyasynq.web")


def is_loopback(listener: socket.socket) -> bool:
    """Return whether only programs of this machine can connect."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def serve(app: "Served", listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, and then stop at once; blocks.

    Requests that are open may go on for a second.
    """
    server = _Server(app, grace_s=GRACE_S)
    run_until_signal(
        lambda: server.serve(sockets=[listener]),
        on_signal={signal.SIGTERM: server.stop, signal.SIGINT: server.stop},
        has_leftovers=lambda: False,
    )


@contextlib.contextmanager
def serving(app: "Served", listener: socket.socket) -> Iterator[None]:
    """Serve around a block, in a thread with an event loop of its own.

    Requests that are open at the end are cut off: they keep nobody.
    """
    server = _Server(app, grace_s=0)
    thread = threading.Thread(
        target=_run, args=(server, listener), name="pyasynq http", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.stop()
        thread.join(JOIN_S)


def _run(server: "_Server", listener: socket.socket) -> None:
    try:
        asyncio.run(server.serve(sockets=[listener]))
    except Exception:
        logger.exception("the http port has failed; what is asked there gets no answer any more")


class Served(Protocol):
    """What can be served: an ASGI application whose streams can be ended."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

    def end_streams(self) -> None:
        """End the streams that a server would wait for; any thread may call it."""


class _Server(uvicorn.Server):
    """A server that leaves signals to its caller, says nothing, and holds only so many visitors.

    It ends streams when it is to stop.

    Args:
        grace_s: for requests that are open when it is to stop.
    """

    def __init__(self, app: "Served", *, grace_s: int) -> None:
        # What uvicorn says of itself is not worth a line; nor is a request that a stop has ended.
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            proxy_headers=False,  # an address that anybody may claim is no address
            server_header=False,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=grace_s,
        )
        config.load()
        config.http_protocol_class = bounded(config.http_protocol_class)
        super().__init__(config)
        self._app = app

    def stop(self) -> None:
        """Stop; a second call does not wait for requests."""
        self._app.end_streams()
        self.force_exit = self.should_exit
        self.should_exit = True

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
