"""Serves the web UI by itself, on uvicorn."""

import contextlib
import ipaddress
import logging
import signal
import socket
from collections.abc import Iterator

import uvicorn
from typing_extensions import override

from pyasynq.errors import ConfigError
from pyasynq.lifecycle.run_until_signal import run_until_signal
from pyasynq.web.app import WebApp

GRACE_S = 1  # for requests that are open when it is to stop
BACKLOG = 128


def listener_on(host: str, port: int) -> socket.socket:
    """Return a socket that listens; its address is final, also for port 0.

    Raises:
        ConfigError: nobody can listen there, and why.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"cannot listen on {host}:{port}: {reason}") from error
    except (UnicodeError, OverflowError) as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error}") from error


def is_loopback(listener: socket.socket) -> bool:
    """Return whether only programs of this machine can connect."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def serve(app: WebApp, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, and then stop at once; blocks.

    Requests that are open may go on for a second.
    """
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
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config)
    run_until_signal(
        lambda: server.serve(sockets=[listener]),
        on_signal={signal.SIGTERM: server.stop, signal.SIGINT: server.stop},
        has_leftovers=lambda: False,
    )


class _Server(uvicorn.Server):
    """A server that leaves signals to its caller."""

    def stop(self) -> None:
        """Stop; a second call does not wait for requests."""
        self.force_exit = self.should_exit
        self.should_exit = True

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
