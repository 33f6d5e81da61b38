"""What redis-py does not say when it cannot connect: a setting is wrong, Redis is not down."""

import contextlib
import errno
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

Address = tuple[str, int]

Wrap = Callable[[socket.socket], ssl.SSLSocket]

NO_TLS = "this port does not speak TLS"
NEEDS_TLS = "this port speaks TLS only"
NO_SOCKET = "this path is not a socket that we may use"
NO_SUCH_MASTER = "the sentinels know no master of this name"
SENTINEL_CREDENTIALS = "a sentinel refuses the user or the password"
OPEN_SENTINEL = "a sentinel has no password"
SENTINEL_RIGHTS = "a sentinel does not permit this user to ask for the master"
NO_WAIT = "durability=replicated needs WAIT"
NO_REPLICAS = "durability=replicated needs replicas, of which this redis has none"
NO_DATABASES = "a proxy knows database 0 only"
NO_HASH_TAGS = (
    "the proxy in front of redis spreads the keys of one queue over several servers, "
    "since it does not honour hash tags"
)

PROBE_S = 0.5
WRONG_PATHS = errno.EACCES, errno.ENOTDIR, errno.EPROTOTYPE, errno.ENAMETOOLONG
TLS_ANSWERS = b"\x16", b"\x15"  # to the greeting of a client: a handshake, or an alert
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


def speaks_tls(address: Address, limit_s: float | None) -> bool:
    """Return whether a server with TLS answers at *address*, at most within *limit_s*; blocks.

    It closes a connection without TLS, or is silent, as a server does that goes away.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent to it
    greeting = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), greeting).do_handshake()
    timeout_s = PROBE_S if limit_s is None else min(PROBE_S, limit_s)
    with contextlib.suppress(OSError), socket.create_connection(address, timeout_s) as plain:
        plain.sendall(greeting.read())
        return plain.recv(1) in TLS_ANSWERS
    return False


def tls_alert(address: Address, wrap: Wrap, limit_s: float | None) -> str | None:
    """Return why a server with TLS ends the connections that we make; None if it does not say.

    With TLS 1.3 it looks at our certificate when the connection stands for us already. What it
    says then is lost if it has not read all that was sent. So nothing is sent here. Blocks.
    """
    timeout_s = PROBE_S if limit_s is None else min(PROBE_S, limit_s)
    try:
        with socket.create_connection(address, timeout_s) as plain, wrap(plain) as wrapped:
            wrapped.settimeout(timeout_s)
            wrapped.recv(1)
    except OSError as error:
        return str(error) if "ALERT" in str(error) else None
    return None


def socket_fault(path: str, error: OSError) -> str | None:
    """Return what is wrong with the path of a socket; None if the server may just not run yet."""
    wrong = error.errno in WRONG_PATHS or "too long" in str(error)
    with contextlib.suppress(OSError):
        wrong = wrong or (Path(path).exists() and not Path(path).is_socket())
    return f"{NO_SOCKET}: {path!r}: {error.strerror or error}" if wrong else None
