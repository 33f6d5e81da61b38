"""Sockets that listen."""

import errno
import socket

from pyasynq.errors import ConfigError

BACKLOG = 128


def listener_on(host: str, port: int) -> socket.socket:
    """Return a socket that listens; its address is final, also for port 0.

    Args:
        host: a name or an address of this machine; empty for all of them, by IPv4 and IPv6.

    Raises:
        ConfigError: nobody can listen there, and why.
    """
    try:
        if not host:
            return _everywhere(port)
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while ")[0].lower()
        raise ConfigError(f"cannot listen on {host}:{port}: {reason}") from error
    except (UnicodeError, OverflowError) as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error}") from error


def _everywhere(port: int) -> socket.socket:
    """Return a socket that listens at every address."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(
                ("", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True
            )
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:  # IPv6 is known here, but turned off
                raise
    return socket.create_server(("", port), backlog=BACKLOG)
