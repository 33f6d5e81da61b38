"""Where Redis is: connection options, and the URLs that mean the same.

redis://[user:password@]host[:6379][/db]      rediss:// with TLS; also valkey://, valkeys://
unix:///path[?db=0]                           redis-socket:///path[?db=0], like Go Asynq
redis-sentinel://[user:password@]h1:p,h2:p/db?master=name     rediss-sentinel:// with TLS
redis-cluster://[user:password@]h1:p,h2:p     rediss-cluster:// with TLS
embedded:                                     a private server for this directory
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args
from urllib.parse import unquote

from typing_extensions import override

from pyasynq.connection import passwords
from pyasynq.connection.url_query import read_number, read_query
from pyasynq.errors import ConfigError
from pyasynq.settings import current_directory, project_settings
from pyasynq.spelling import nearest

Kind = Literal["standalone", "unix", "sentinel", "cluster", "embedded"]

DEFAULT_PORT = 6379
URL_VARIABLE = "PYASYNQ_REDIS_URL"
MIN_REPLICATION_S = 0.01
TLS_SETTINGS = (
    *("ca_file", "cert_file", "key_file", "key_password", "key_password_file"),
    "min_tls_version",
)

_SCHEMES: Mapping[str, tuple[Kind, bool]] = {
    "redis": ("standalone", False),
    "rediss": ("standalone", True),
    "unix": ("unix", False),
    "redis-socket": ("unix", False),
    "redis-sentinel": ("sentinel", False),
    "rediss-sentinel": ("sentinel", True),
    "redis-cluster": ("cluster", False),
    "rediss-cluster": ("cluster", True),
    "embedded": ("embedded", False),
    # As valkey-py writes them.
    "valkey": ("standalone", False),
    "valkeys": ("standalone", True),
}
# A host with a port, with dots, or this machine; without a scheme and without a user.
_ADDRESS = re.compile(
    r"(localhost|[\w-]+(?=:)|[\w-]+(\.[\w-]+)+|\[[0-9a-fA-F:]+\])(:\d+)?(/\d*)?(\?.*)?"
)
_TYPES: Mapping[Any, tuple[Any, str]] = {  # by annotation: what isinstance takes, and its name
    str: (str, "text"),
    bool: (bool, "True or False"),
    int: (int, "a whole number"),
    int | None: (int | None, "a whole number or None"),
    float: (int | float, "a number of seconds"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """How to reach one Redis.

    Attributes:
        kind: what it is.
        hosts: (host, port) of the server, or of each sentinel or cluster node.
        path: of the socket, for "unix"; folder that keeps the data, for "embedded".
        db: number of the database; 0 in a cluster.
        username: of a user of Redis; empty for the default one.
        password: of that user. Passwords never show in a repr, a log or an error.
        master: name that the sentinels know the master by.
        sentinel_username: of a user of the sentinels themselves.
        sentinel_password: of that user.
        tls: encrypt; the certificate and the name of the server are verified.
        ca_file: a PEM file of the authorities that are trusted; those of this machine if empty.
            All these files are read for each connection that is made, so they may be replaced
            meanwhile.
        cert_file: a PEM file of our certificate; none if empty.
        key_file: a PEM file of its private key, if it is not in *cert_file*.
        key_password: of a private key that is encrypted.
        key_password_file: a file whose first line is that password. Without both, the environment
            is asked.
        min_tls_version: "1.2" or "1.3"; what this machine regards as safe if empty.
        verify: False trusts any certificate; a warning is logged.
        connect_timeout_s: for one connection to be made.
        socket_timeout_s: for one answer.
        max_connections: of one pool; None for no limit.
        namespace: first word of every key; Go Asynq only knows "asynq".
        client_name: shown by CLIENT LIST.
        busy_wait: wait awake for up to 0.1 ms for an answer, while nothing else is to be done and
            as long as answers come in that time.
        proxy: there is a proxy that closes the connection on commands that it does not pass on,
            such as twemproxy; False: the first connection finds that out.
        durability: "replicated": an enqueue only returns, and an outcome is only regarded as
            written, once replicas have it; empty: once Redis has it.
        replicas: how many of them.
        replication_timeout_s: for how long to wait for them.

    Raises:
        ConfigError: names every wrong option.
    """

    kind: Kind = "standalone"
    hosts: tuple[tuple[str, int], ...] = (("127.0.0.1", DEFAULT_PORT),)
    path: str = ""
    db: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    master: str = ""
    sentinel_username: str = ""
    sentinel_password: str = field(default="", repr=False)
    tls: bool = False
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    key_password: str = field(default="", repr=False)
    key_password_file: str = ""
    min_tls_version: str = ""
    verify: bool = True
    connect_timeout_s: float = 5.0
    socket_timeout_s: float = 5.0
    max_connections: int | None = None
    namespace: str = "asynq"
    client_name: str = "pyasynq"
    busy_wait: bool = True
    proxy: bool = False
    durability: str = ""
    replicas: int = 1
    replication_timeout_s: float = 1.0

    def __post_init__(self) -> None:
        ConfigError.raise_if(_faults(self))

    @classmethod
    def from_url(cls, url: str) -> "ConnectionOptions":
        """Return the options that *url* means.

        Raises:
            ConfigError: names everything wrong in it, but never its password.
        """
        if not isinstance(url, str):
            raise ConfigError(f"a redis URL must be text, not {type(url).__name__}")
        faults: list[str] = []
        values = _read_url(url, faults)
        try:
            options = cls(**values)
        except ConfigError as error:
            faults.extend(error.faults)
            raise ConfigError(*faults) from None
        ConfigError.raise_if(faults)
        return options

    @classmethod
    def from_environment(cls) -> "ConnectionOptions":
        """Return the options of ``PYASYNQ_REDIS_URL``, else of the project's ``redis_url``.

        Without both it is the embedded Redis of this directory while it runs, as under
        ``pyasynq dev``, or that of the nearest folder above with a folder ``.pyasynq``, else the
        one at the default port of this machine.

        Raises:
            ConfigError: the URL, or a setting of the project, is wrong.
        """
        from pyasynq.connection.embedded.server import running_near  # noqa: PLC0415 - rarely needed

        if named := named_url():
            return cls.from_url(named)
        folder = running_near(current_directory())
        return cls() if folder is None else cls(kind="embedded", path=folder)

    def describe(self) -> str:
        """Return where Redis is, without secrets."""
        if self.kind == "embedded":
            return "an embedded redis"
        if self.kind == "unix":
            return f"unix://{self.path}?db={self.db}"
        scheme = next(name for name, value in _SCHEMES.items() if value == (self.kind, self.tls))
        user = f"{self.username}@" if self.username else ""
        hosts = ",".join(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts
        )
        return f"{scheme}://{user}{hosts}/{self.db}"

    @override
    def __str__(self) -> str:
        return self.describe()


def named_url() -> str | None:
    """Return the URL that the environment names, else the project; None if neither does.

    It has the password that the environment gives, unless it has one itself.
    """
    url: str | None = os.environ.get(URL_VARIABLE) or project_settings().get("redis_url")
    return None if url is None else passwords.completed(url)


def _faults(options: ConnectionOptions) -> Iterator[str]:
    if faults := list(_type_faults(options)):
        yield from faults
        return
    yield from _address_faults(options)
    for name in ("connect_timeout_s", "socket_timeout_s"):
        if not 0 < getattr(options, name) <= 3600:  # noqa: PLR2004 - an hour is for ever
            yield f"{name} must be more than 0 and at most 3600, not {getattr(options, name)!r}"
    if options.max_connections is not None and options.max_connections < 1:
        yield f"max_connections must be 1 or more, not {options.max_connections}"
    if not options.namespace.strip() or any(each in options.namespace for each in "{} \n"):
        yield f"namespace must not be blank or hold spaces or braces, not {options.namespace!r}"
    if not all("!" <= each <= "~" for each in options.client_name):
        yield f"client_name must not hold spaces or special characters: {options.client_name!r}"
    yield from _tls_faults(options)
    yield from _durability_faults(options)


def _durability_faults(options: ConnectionOptions) -> Iterator[str]:
    if options.durability not in ("", "replicated"):
        yield f"durability must be replicated, or empty, not {options.durability[:30]!r}"
    if options.replicas < 1:
        yield f"replicas must be 1 or more, not {options.replicas}"
    if not options.durability:
        if options.replicas > 1:
            yield "replicas needs durability=replicated"
    elif not MIN_REPLICATION_S <= options.replication_timeout_s < options.socket_timeout_s:
        yield (
            f"replication_timeout_s must be from {MIN_REPLICATION_S} to less than "
            f"socket_timeout_s, not {options.replication_timeout_s!r}"
        )


def _tls_faults(options: ConnectionOptions) -> Iterator[str]:
    if bool(options.cert_file) != bool(options.key_file):
        yield "cert_file and key_file belong together"
    if options.min_tls_version not in ("", "1.2", "1.3"):
        yield f"min_tls_version must be 1.2 or 1.3, not {options.min_tls_version[:30]!r}"
    if options.key_password and options.key_password_file:
        yield "key_password and key_password_file contradict each other; give one of them"
    if (options.key_password or options.key_password_file) and not options.key_file:
        yield "the password of a private key needs key_file and cert_file, too"
    given = [name for name in TLS_SETTINGS if getattr(options, name)]
    if not options.tls and (given or not options.verify):
        names = ", ".join(given if options.verify else [*given, "verify"])
        yield f"{names} need{'' if ',' in names else 's'} TLS; use a rediss:// URL"


def _type_faults(options: ConnectionOptions) -> Iterator[str]:
    """Yield the options of a wrong type; the others can only be checked if there are none."""
    if options.kind not in get_args(Kind):
        yield f"kind must be one of {', '.join(get_args(Kind))}, not {options.kind!r}"
    if not _are_hosts(options.hosts):
        yield 'hosts must be a tuple of (host, port), as in (("127.0.0.1", 6379),)'
    for each in fields(options):
        value = getattr(options, each.name)
        wanted, what = _TYPES.get(each.type, (object, ""))
        is_right = isinstance(value, wanted) and (isinstance(value, bool) == (wanted is bool))
        if what and not is_right:
            yield f"{each.name} must be {what}, not {type(value).__name__}"


def _are_hosts(given: object) -> bool:
    return isinstance(given, tuple) and all(
        isinstance(each, tuple) and tuple(map(type, each)) == (str, int) for each in given
    )


def _host_faults(options: ConnectionOptions) -> Iterator[str]:
    if not options.hosts and options.kind not in ("unix", "embedded"):
        yield "hosts must name at least one host"
    for host, port in options.hosts:
        if not host:
            yield "the host is empty"
        elif any(each.isspace() or not each.isprintable() or each in "/?#@[]" for each in host):
            yield f"{host[:30]!r} is not a host: it holds spaces or special characters"
        if not 1 <= port <= 65_535:  # noqa: PLR2004 - the range of ports
            yield f"port must be from 1 to 65535, not {port}"


def _address_faults(options: ConnectionOptions) -> Iterator[str]:
    yield from _host_faults(options)
    if options.kind == "unix" and not options.path:
        yield "a unix URL needs the path of the socket, as in unix:///run/redis.sock"
    if options.kind == "standalone" and len(options.hosts) > 1:
        yield "several hosts need a redis-sentinel:// or a redis-cluster:// URL"
    if options.db < 0:
        yield f"db must be 0 or more, not {options.db}"
    if options.kind == "cluster" and options.db:
        yield "a cluster has only database 0"
    if options.proxy and options.kind not in ("standalone", "unix"):
        yield "proxy needs a redis://, rediss:// or unix:// URL, which names the proxy"
    elif options.proxy and options.db:
        yield "a proxy knows database 0 only"
    yield from _sentinel_faults(options)


def _sentinel_faults(options: ConnectionOptions) -> Iterator[str]:
    if options.kind != "sentinel":
        for name in ("master", "sentinel_username", "sentinel_password"):
            if getattr(options, name):
                yield f"{name} needs a redis-sentinel:// or a rediss-sentinel:// URL"
    elif not options.master:
        yield "sentinel needs the name of the master, as in ?master=mymaster"
    elif any(each.isspace() or not each.isprintable() for each in options.master):
        yield f"master must not hold spaces or special characters: {options.master[:30]!r}"


def _read_url(url: str, faults: list[str]) -> dict[str, Any]:
    """Return the options that *url* gives; what is wrong in it goes to *faults*."""
    scheme, separator, rest = url.partition(":")
    scheme = scheme.lower()
    if scheme not in _SCHEMES or not separator:
        raise ConfigError(_scheme_fault(url, scheme))
    kind, tls = _SCHEMES[scheme]
    rest, _, query = rest.partition("?")
    values: dict[str, Any] = {"kind": kind, "tls": tls}
    rest = rest.removeprefix("//")
    address, slash, path = rest.partition("/")
    has_path = kind in ("unix", "embedded")
    before = f"{address}/{path}".rpartition("@")[0]
    if "@" in query or ("@" in path and (not has_path or ":" in before)):
        # The fault must not quote any part: a password with a bare / or ? has been cut in two here.
        faults.append("user and password must be percent-encoded: / is %2F, ? is %3F, @ is %40")
        return {}
    if has_path:
        user, at, start = address.rpartition("@")
        values["path"] = unquote(start + slash + path)
        _read_user(user if at else "", values)
    else:
        _read_address(address, path, values, faults)
    known = [each.name for each in fields(ConnectionOptions)]
    values.update(read_query(query, known, faults))
    return values


def _scheme_fault(url: str, scheme: str) -> str:
    """Return what to write instead of a *url* that begins with no scheme of ours."""
    if not url.strip():
        return "a redis URL must not be blank; write redis://127.0.0.1:6379/0"
    if "@" in url and "://" not in url:  # what stands before it may be a password
        return "a redis URL begins with redis://, as in redis://user:password@localhost:6379"
    fault = f"a redis URL cannot begin with {scheme[:30]!r}"
    if url.startswith("/"):
        return f"{fault}; did you mean unix://{url[:60]}?"
    if _ADDRESS.fullmatch(url):
        return f"{fault}; did you mean redis://{url[:60]}?"
    near = nearest(scheme, _SCHEMES)
    return (
        f"{fault}; did you mean {near}:" if near else f"{fault}; use one of {', '.join(_SCHEMES)}"
    )


def _read_user(user: str, values: dict[str, Any]) -> None:
    name, _, password = user.partition(":")
    values["username"], values["password"] = unquote(name), unquote(password)


def _read_address(address: str, db: str, values: dict[str, Any], faults: list[str]) -> None:
    """Read ``user:password@host:port,host:port`` and the number of the database."""
    user, _, hosts = address.rpartition("@")
    _read_user(user, values)
    port = 26_379 if values["kind"] == "sentinel" else DEFAULT_PORT
    values["hosts"] = tuple(
        _read_host(host, port, faults) for host in (hosts or "127.0.0.1").split(",")
    )
    if db:
        values["db"] = read_number("db", db, faults)


def _read_host(text: str, default_port: int, faults: list[str]) -> tuple[str, int]:
    host, bracket, tail = text.rpartition("]")
    if bracket:  # an IPv6 address
        host, port = host.removeprefix("["), tail.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    return unquote(host), read_number("port", port, faults) if port else default_port
