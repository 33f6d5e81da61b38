"""What a connection of redis-py is made with: from our options, or from a client of the user's."""

import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pyasynq.connection import passwords
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError

logger = logging.getLogger("pyasynq.connection")

# What is taken over from a user's pool: where Redis is and how to log in. We decide the rest.
_KEPT = (
    "host",
    "port",
    "path",
    "db",
    "username",
    "password",
    "credential_provider",
    "client_name",
    "socket_connect_timeout",
    "socket_keepalive",
    "ssl_keyfile",
    "ssl_certfile",
    "ssl_cert_reqs",
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_ca_data",
    "ssl_check_hostname",
    "ssl_password",
    "ssl_min_version",
    "ssl_ciphers",
)


def arguments_of(options: ConnectionOptions) -> dict[str, Any]:
    """Return the arguments of a connection to the Redis of *options*.

    Raises:
        ConfigError: a file of TLS cannot be read.
    """
    arguments: dict[str, Any] = {
        "db": options.db,
        "socket_connect_timeout": options.connect_timeout_s,
        "socket_timeout": options.socket_timeout_s,
        "client_name": options.client_name,
    }
    if options.kind == "unix":
        arguments["path"] = options.path
    elif options.kind == "cluster":
        del arguments["db"]  # there is but one
    elif options.kind != "sentinel":
        arguments["host"], arguments["port"] = options.hosts[0]
    if options.username:
        arguments["username"] = options.username
    if options.password:
        arguments["password"] = options.password
    if options.tls:
        arguments |= _tls_arguments(options)
    return arguments


def arguments_of_client(client: Any) -> dict[str, Any]:
    """Return the arguments of a connection to the Redis of a user's client, which is left alone.

    Raises:
        ConfigError: it is no client of redis-py, or leads to another Redis than its settings say.
    """
    pool = getattr(client, "connection_pool", None)
    given = getattr(pool, "connection_kwargs", None)
    kind = type(pool).__name__
    if not isinstance(given, dict) or kind not in ("ConnectionPool", "BlockingConnectionPool"):
        raise ConfigError(
            f"cannot take over the settings of a {type(client).__name__}; "
            "pass a URL, ConnectionOptions, or a redis.Redis or redis.asyncio.Redis client "
            "of a single server; redis-sentinel:// and redis-cluster:// are URLs, too"
        )
    _check_that_it_can_be_cloned(pool, given)
    arguments = {name: given[name] for name in _KEPT if given.get(name) is not None}
    arguments.setdefault("socket_timeout", given.get("socket_timeout") or 5.0)
    # The name is set by a call at connect. Reading its answer also reads the session tickets
    # of TLS 1.3, which redis-py would otherwise take for data left behind.
    arguments.setdefault("client_name", "pyasynq")
    if "SSL" in getattr(pool, "connection_class", type(None)).__name__:
        arguments.setdefault("ssl_cert_reqs", "required")
        arguments.setdefault("ssl_password", passwords.of_key())
    return arguments


def _tls_arguments(options: ConnectionOptions) -> dict[str, Any]:
    files = {
        "ssl_ca_certs": options.ca_file,
        "ssl_certfile": options.cert_file,
        "ssl_keyfile": options.key_file,
    }
    given: dict[str, Any] = {name: value for name, value in files.items() if value}
    read = filter(None, [*files.values(), options.key_password_file])
    ConfigError.raise_if(map(_file_fault, read))
    if not options.verify:
        _warn_of_any_certificate(options.describe())
    if options.min_tls_version:
        from ssl import TLSVersion  # noqa: PLC0415 - light imports

        name = f"TLSv{options.min_tls_version.replace('.', '_')}"
        given["ssl_min_version"] = TLSVersion[name]
    return {
        **given,
        "ssl_cert_reqs": "required" if options.verify else "none",
        "ssl_check_hostname": options.verify,
        "ssl_password": passwords.of_key(options.key_password, options.key_password_file),
    }


@cache
def _warn_of_any_certificate(where: str) -> None:
    """Log once in a process that any certificate is trusted."""
    logger.warning(
        "the certificate of %s is not verified, so somebody in between could read and change all "
        "that is sent; name its authority (ca_file=…) in place of verify=none",
        where,
    )


def once() -> dict[str, Any]:
    """Return what keeps redis-py from repeating a call."""
    from redis.backoff import NoBackoff  # noqa: PLC0415 - light imports
    from redis.retry import Retry  # noqa: PLC0415 - as above

    return {"retry": Retry(NoBackoff(), 0)}


def once_async() -> dict[str, Any]:
    """Return the same for async clients."""
    from redis.asyncio.retry import Retry  # noqa: PLC0415 - light imports
    from redis.backoff import NoBackoff  # noqa: PLC0415 - as above

    return {"retry": Retry(NoBackoff(), 0)}


def _check_that_it_can_be_cloned(pool: Any, given: Mapping[str, Any]) -> None:
    """Check that a user's client connects as redis-py does, and not to a fake or through a tunnel.

    Raises:
        ConfigError: it does not, so its settings alone would lead to another server.
    """
    for what, kind in (
        ("its connection pool", type(pool)),
        ("its connection class", getattr(pool, "connection_class", type(pool))),
    ):
        if kind.__module__.partition(".")[0] != "redis":
            raise ConfigError(
                f"cannot take over the settings of this client: {what} {kind.__name__!r} is not "
                "one of redis-py's, and would not be used; for tests use `App.testing()` or "
                "the URL embedded:"
            )
    if given.get("redis_connect_func") is not None:
        raise ConfigError(
            "cannot take over the settings of this client: its redis_connect_func would not be "
            "called; pass a URL, ConnectionOptions, or a client without it"
        )


def _file_fault(path: str) -> str | None:
    """Return why a file of TLS cannot be used; None if it can be read."""
    try:
        Path(path).open("rb").close()
    except OSError as error:
        return f"{path!r}, which the URL names for TLS, cannot be read: {error.strerror or error}"
    return None
