"""Opens redis-py clients for one Redis.

redis-py's own retries are off everywhere, for they would run writes again whose answers were lost;
only our runner repeats a call. RESP2 is used everywhere, for some proxies close the connection on
HELLO 3; what else they close it on is in transport/proxy.py.
"""

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from pyasynq.connection.arguments import (
    arguments_of,
    arguments_of_client,
    once,
    once_async,
)
from pyasynq.connection.options import ConnectionOptions, Kind, named_url
from pyasynq.settings import current_directory

if TYPE_CHECKING:
    import redis
    import redis.asyncio

    from pyasynq.connection.embedded.server import EmbeddedServer
    from pyasynq.connection.transport.cluster import Cluster
    from pyasynq.connection.transport.cluster_async import AsyncCluster
    from pyasynq.connection.transport.proxy import Proxy
    from pyasynq.connection.transport.replies import Replication
    from pyasynq.connection.transport.slot_map import SlotMap

SENTINEL_TIMEOUT_S = 1.0

ConnectionSource = Union[
    str, ConnectionOptions, "redis.Redis", "redis.asyncio.Redis", "Connector", None
]
"""A URL, options, a redis-py client of the user's, or None for the environment's URL."""


class Connector:
    """Opens clients of one Redis.

    Attributes:
        namespace: first word of every key.
        description: where Redis is, without secrets.
        busy_wait: whether to wait awake for an answer that is due at once.
        replication: what to wait for after a write that must not be lost; None for nothing.

    Args:
        home: the directory whose embedded Redis is used once it runs, in place of the address;
            None: that of *arguments* was named by somebody.
        proxy: there is a proxy that closes the connection on what it does not pass on; else the
            first connection finds that out.
    """

    def __init__(
        self,
        arguments: dict[str, Any],
        *,
        description: str,
        kind: Kind = "standalone",
        hosts: Sequence[tuple[str, int]] = (),
        master: str = "",
        sentinel_arguments: Mapping[str, Any] | None = None,
        namespace: str = "asynq",
        max_connections: int | None = None,
        embedded: "EmbeddedServer | None" = None,
        busy_wait: bool = True,
        home: Path | None = None,
        proxy: bool = False,
        replication: "Replication | None" = None,
    ) -> None:
        self._kind = kind
        self._hosts = list(hosts)
        self._master = master
        self._sentinel_arguments = dict(sentinel_arguments or {})
        self.namespace = namespace
        self.description: str = description
        self.busy_wait = busy_wait
        self.replication = replication
        self._arguments = arguments
        self._max_connections = max_connections
        self._embedded = embedded
        self._home = home
        self._proxy_is_certain = proxy
        self._lock = threading.Lock()
        self._opened = 0
        self._counting = threading.Lock()

    @classmethod
    def of(cls, source: ConnectionSource) -> "Connector":
        """Return a connector for *source*; an embedded server is started if need be.

        Raises:
            ConfigError: the URL is wrong, or the client cannot be cloned.
        """
        if isinstance(source, Connector):
            return source
        if source is None:
            return cls._of_nobody()
        if isinstance(source, str):
            return cls._of_options(ConnectionOptions.from_url(source))
        if isinstance(source, ConnectionOptions):
            return cls._of_options(source)
        return cls._of_client(source)

    def open_async(
        self, *, socket_timeout_s: float | None = None, patience_s: float | None = None
    ) -> "redis.asyncio.Redis | AsyncCluster":
        """Return a new async client with connections of its own; its caller closes it.

        Args:
            socket_timeout_s: in place of that of the options.
            patience_s: no time-out is longer than this; None for no bound.
        """
        import redis.asyncio  # noqa: PLC0415 - loaded on first use, so that importing us is light

        settings = self._settings(socket_timeout_s, patience_s)
        if self._kind == "cluster":
            from pyasynq.connection.transport.cluster_async import AsyncCluster  # noqa: PLC0415 - as above

            return AsyncCluster(
                self._slots, lambda host, port: self._pool_async(host=host, port=port, **settings)
            )
        if self._kind == "sentinel":
            from pyasynq.connection.transport.sentinel import async_master_pool  # noqa: PLC0415 - as above

            pool = async_master_pool(
                self._hosts,
                self._master,
                own={**self._sentinel_settings(), **once_async()},
                settings={**settings, **once_async(), "max_connections": self._max_connections},
                is_tls=self._is_tls,
            )
            return redis.asyncio.Redis.from_pool(pool)
        return redis.asyncio.Redis.from_pool(self._pool_async(**settings))

    def open_sync(
        self, *, socket_timeout_s: float | None = None, patience_s: float | None = None
    ) -> "redis.Redis | Cluster":
        """Return a new blocking client with connections of its own; see `open_async`."""
        import redis  # noqa: PLC0415 - loaded on first use, so that importing us is light

        settings = self._settings(socket_timeout_s, patience_s)
        if self._kind == "cluster":
            from pyasynq.connection.transport.cluster import Cluster  # noqa: PLC0415 - as above

            return Cluster(
                self._slots, lambda host, port: self._pool_sync(host=host, port=port, **settings)
            )
        if self._kind == "sentinel":
            from pyasynq.connection.transport.sentinel import master_pool  # noqa: PLC0415 - as above

            pool = master_pool(
                self._hosts,
                self._master,
                own={**self._sentinel_settings(), **once_async()},
                settings={**settings, **once(), "max_connections": self._max_connections},
                is_tls=self._is_tls,
            )
            return redis.Redis.from_pool(pool)
        return redis.Redis.from_pool(self._pool_sync(**settings))

    def close(self) -> None:
        """Release the embedded server, if there is one; safe to repeat."""
        with self._lock:
            self._home = None
            self._hold(None)

    @property
    def is_cluster(self) -> bool:
        """Whether it is a cluster, where a command may only name keys of one slot."""
        return self._kind == "cluster"

    @property
    def opened(self) -> int:
        """How many connections its clients have opened so far; in any thread."""
        return self._opened

    def _count(self) -> None:
        with self._counting:
            self._opened += 1

    @property
    def address(self) -> str:
        """Host and port, those of all nodes or sentinels that were named, or the socket."""
        if self._kind in ("cluster", "sentinel"):
            return ",".join(f"{host}:{port}" for host, port in self._hosts)
        if "path" in self._arguments:
            return str(self._arguments["path"])
        return f"{self._arguments.get('host')}:{self._arguments.get('port')}"

    @property
    def kind(self) -> Kind:
        """What Redis is connected as."""
        return self._kind

    def to_node(self, host: str, port: int) -> "Connector":
        """Return a connector for one node of this cluster alone, with the same settings."""
        return Connector(
            {**self._arguments, "host": host, "port": port},
            description=f"{host}:{port}",
            namespace=self.namespace,
            max_connections=self._max_connections,
            busy_wait=self.busy_wait,
        )

    @property
    def is_proxied(self) -> bool:
        """Whether a proxy was found that closes the connection on what it does not pass on."""
        return self._proxy.is_there

    @property
    def _is_tls(self) -> bool:
        return any(name.startswith("ssl_") for name in self._arguments)

    @cached_property
    def _slots(self) -> "SlotMap":
        from pyasynq.connection.transport.slot_map import SlotMap  # noqa: PLC0415 - light imports

        return SlotMap(self._hosts)

    @cached_property
    def _proxy(self) -> "Proxy":
        from pyasynq.connection.transport.proxy import Proxy  # noqa: PLC0415 - light imports

        return Proxy(self.namespace, is_certain=self._proxy_is_certain)

    def _pool_async(self, **settings: Any) -> "redis.asyncio.ConnectionPool":
        import redis.asyncio  # noqa: PLC0415 - as above

        from pyasynq.connection.transport import connections  # noqa: PLC0415 - as above

        kind: Any = connections.AsyncTcpConnection
        if "path" in settings:
            kind = connections.AsyncUnixConnection
        elif self._is_tls:
            kind = connections.AsyncTlsConnection
        elif self._home is not None:
            kind, settings["look_up"] = connections.AsyncLookedUpConnection, self._look_up
        return redis.asyncio.ConnectionPool(
            connection_class=kind,
            max_connections=self._max_connections,
            proxy=None if self.is_cluster else self._proxy,
            **settings,
            **once_async(),
        )

    def _pool_sync(self, **settings: Any) -> "redis.ConnectionPool":
        import redis  # noqa: PLC0415 - as above

        from pyasynq.connection.transport import connections  # noqa: PLC0415 - as above

        kind: Any = connections.TcpConnection
        if "path" in settings:
            kind = connections.UnixConnection
        elif self._is_tls:
            kind = connections.TlsConnection
        elif self._home is not None:
            kind, settings["look_up"] = connections.LookedUpConnection, self._look_up
        return redis.ConnectionPool(
            connection_class=kind,
            max_connections=self._max_connections,
            proxy=None if self.is_cluster else self._proxy,
            **settings,
            **once(),
        )

    def _sentinel_settings(self) -> dict[str, Any]:
        """Return how the sentinels themselves are reached: with short limits; the runner waits."""
        tls = {name: value for name, value in self._arguments.items() if name.startswith("ssl_")}
        return {
            **self._sentinel_arguments,
            **tls,
            "client_name": self._arguments.get("client_name"),
            "driver_info": None,
            "protocol": 2,
            "socket_connect_timeout": SENTINEL_TIMEOUT_S,
            "socket_timeout": SENTINEL_TIMEOUT_S,
        }

    def _settings(self, socket_timeout_s: float | None, patience_s: float | None) -> dict[str, Any]:
        settings = {**self._arguments, "protocol": 2, "decode_responses": False}
        # An ID that is not UTF-8 is text with surrogates here, and is sent as the same bytes.
        settings["encoding_errors"] = "surrogateescape"
        # No CLIENT SETINFO: some proxies close the connection on it.
        settings["driver_info"] = None
        settings["on_login"] = self._count
        if socket_timeout_s is not None:
            settings["socket_timeout"] = socket_timeout_s
        if patience_s is not None:
            for name in ("socket_timeout", "socket_connect_timeout"):
                settings[name] = min(settings.get(name) or patience_s, patience_s)
        return settings

    @classmethod
    def _of_nobody(cls) -> "Connector":
        """Return a connector for the Redis that is found if nobody names one."""
        options = ConnectionOptions.from_environment()
        is_looked_up = not named_url() and options.kind == "standalone"
        return cls._of_options(options, home=current_directory() if is_looked_up else None)

    def _look_up(self) -> tuple[str, int]:
        """Return where Redis is now: `pyasynq dev` may have started one in the meantime. Blocks."""
        from pyasynq.connection.embedded.server import EmbeddedServer, running_near  # noqa: PLC0415 - rarely needed

        with self._lock:
            folder = None if self._home is None else running_near(self._home)
            if self._home is None or folder is None:
                self._hold(None)
                return self._arguments["host"], self._arguments["port"]
            directory = Path(folder).parent if folder else self._home
            server = EmbeddedServer.acquire(directory=directory, data_folder=folder)
            self._hold(server)
            self.description = f"embedded redis (redis://127.0.0.1:{server.port}/0)"
            return "127.0.0.1", server.port

    def _hold(self, server: "EmbeddedServer | None") -> None:
        before, self._embedded = self._embedded, server
        if before is not None:
            before.release()

    @classmethod
    def _of_options(cls, options: ConnectionOptions, *, home: Path | None = None) -> "Connector":
        if options.kind == "embedded":
            return cls._of_embedded(options)
        sentinel = {"username": options.sentinel_username, "password": options.sentinel_password}
        return cls(
            arguments_of(options),
            kind=options.kind,
            hosts=options.hosts,
            master=options.master,
            sentinel_arguments={name: value for name, value in sentinel.items() if value},
            description=options.describe(),
            namespace=options.namespace,
            max_connections=options.max_connections,
            home=home,
            busy_wait=options.busy_wait,
            proxy=options.proxy,
            replication=_replication(options),
        )

    @classmethod
    def _of_embedded(cls, options: ConnectionOptions) -> "Connector":
        from pyasynq.connection.embedded.server import EmbeddedServer  # noqa: PLC0415 - rarely needed

        server = EmbeddedServer.acquire(data_folder=options.path)
        arguments = arguments_of(options) | {"path": server.socket_path}
        arguments.pop("host", None)
        arguments.pop("port", None)
        return cls(
            arguments,
            description=f"embedded redis (redis://127.0.0.1:{server.port}/{options.db})",
            namespace=options.namespace,
            embedded=server,
            busy_wait=options.busy_wait,
            replication=_replication(options),
        )

    @classmethod
    def _of_client(cls, client: Any) -> "Connector":
        """Clone the settings of a user's client."""
        arguments = arguments_of_client(client)
        where = arguments.get("path") or f"{arguments.get('host')}:{arguments.get('port')}"
        return cls(arguments, description=f"{where}/{arguments.get('db', 0)} (as your client)")


def _replication(options: ConnectionOptions) -> "Replication | None":
    if not options.durability:
        return None
    from pyasynq.connection.transport.replies import Replication  # noqa: PLC0415 - rarely needed

    return Replication(options.replicas, options.replication_timeout_s)
