"""What redis-py does not say when it cannot connect: a setting is wrong, Redis is not down."""

import contextlib
import errno
import socket
from pathlib import Path

Address = tuple[str, int]

NO_TLS = "this port does not speak TLS"
NO_SOCKET = "this path is not a socket that we may use"
NO_SUCH_MASTER = "the sentinels know no master of this name"
SENTINEL_CREDENTIALS = "a sentinel refuses the user or the password"
OPEN_SENTINEL = "a sentinel has no password"
SENTINEL_RIGHTS = "a sentinel does not permit this user to ask for the master"
NO_DATABASES = "a proxy knows database 0 only"
NO_HASH_TAGS = (
    "the proxy in front of redis spreads the keys of one queue over several servers, "
    "since it does not honour hash tags"
)

PROBE_S = 0.5
WRONG_PATHS = errno.EACCES, errno.ENOTDIR, errno.EPROTOTYPE, errno.ENAMETOOLONG
ANSWERS = b"+", b"-"  # to PING: PONG, or an error such as that a password is needed


def is_plain(address: Address, limit_s: float | None) -> bool:
    """Return whether a Redis without TLS answers at *address*, at most within *limit_s*; blocks.

    A port without TLS waits for the end of what it takes for a command, so a client that wants TLS
    only sees silence.
    """
    timeout_s = PROBE_S if limit_s is None else min(PROBE_S, limit_s)
    with contextlib.suppress(OSError), socket.create_connection(address, timeout_s) as plain:
        plain.sendall(b"PING\r\n")
        return plain.recv(1) in ANSWERS
    return False


def socket_fault(path: str, error: OSError) -> str | None:
    """Return what is wrong with the path of a socket; None if the server may just not run yet."""
    wrong = error.errno in WRONG_PATHS or "too long" in str(error)
    with contextlib.suppress(OSError):
        wrong = wrong or (Path(path).exists() and not Path(path).is_socket())
    return f"{NO_SOCKET}: {path!r}: {error.strerror or error}" if wrong else None
