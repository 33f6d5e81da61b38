"""Places for tests: each is empty at first, belongs to one test, and is emptied after it.

Usually a place is a database of a server that is private to this process, and starts on first use.
In a Redis of the user's it is a namespace of its own, and no other key is ever touched.
"""

import atexit
import heapq
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from pyasynq.broker.decoding import text
from pyasynq.connection.connector import Connector
from pyasynq.connection.embedded.server import EmbeddedServer
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError, RedisUnavailableError
from pyasynq.shown import shown
from pyasynq.wire.keys import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    import redis

DATABASES = 16
KEYS_PER_ROUND_TRIP = 1000
NAMESPACE = "pyasynq-test"
URL_VARIABLE = "PYASYNQ_TEST_REDIS_URL"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a Redis that is empty and belongs to one test.

    Attributes:
        url: names the part, too: its database or its namespace.
        namespace: first word of all its keys.
        is_shared: whether the database holds keys of others.
    """

    url: str
    namespace: str
    is_shared: bool

    def open(self) -> "redis.Redis":
        """Return a new client for looking and for cleaning up."""
        client: Any = Connector.of(self.url).open_sync()
        return client  # type: ignore[no-any-return]  # a cluster is refused

    def keys(self, client: "redis.Redis") -> Iterator[bytes]:
        """Yield the keys of this place."""
        pattern = f"{self.namespace}:*" if self.is_shared else None
        yield from client.scan_iter(match=pattern, count=KEYS_PER_ROUND_TRIP)

    def empty(self) -> None:
        """Delete what is in this place, and nothing else."""
        with closing(self.open()) as client:
            if not self.is_shared:
                client.flushdb()
                return
            keys = list(self.keys(client))
            for start in range(0, len(keys), KEYS_PER_ROUND_TRIP):
                client.delete(*keys[start : start + KEYS_PER_ROUND_TRIP])


@contextmanager
def private_place() -> Iterator[Place]:
    """Give a block a place of its own.

    Raises:
        ConfigError: there is no server program, too many blocks are inside each other, or the
            Redis of the user cannot be used.
        RedisUnavailableError: no server answers.
    """
    if not _given:
        use_redis(None)
    if _given[0] is not None:
        place = _given[0].new_place()
        try:
            yield place
        finally:
            place.empty()
        return
    server, database = _server(), _take_database()
    try:
        place = Place(
            url=f"unix://{server.socket_path}?db={database}",
            namespace=DEFAULT_NAMESPACE,
            is_shared=False,
        )
        place.empty()
        yield place
    finally:
        heapq.heappush(_free, database)


class GivenRedis:
    """A Redis of the user's, in which tests have places.

    Args:
        url: where it is, and which database to use.
        may_hold_data: whether the database may hold keys of others.

    Raises:
        ConfigError: the URL is wrong, or names a cluster.
    """

    def __init__(self, url: str, *, may_hold_data: bool) -> None:
        options = ConnectionOptions.from_url(url)
        if options.kind == "cluster":
            raise ConfigError("tests cannot run on a cluster; give the URL of one server")
        # Where only some keys are allowed, they begin with the namespace that the URL names.
        is_own = options.namespace != DEFAULT_NAMESPACE
        self._namespace = f"{options.namespace}-test" if is_own else NAMESPACE
        self._url = url
        self._description = options.describe()
        self._is_usable = may_hold_data

    def new_place(self) -> Place:
        """Return an empty place with a namespace that nobody else has.

        Raises:
            ConfigError: the database holds keys that are not of tests.
            RedisUnavailableError: Redis does not answer.
        """
        namespace = f"{self._namespace}-{uuid.uuid4().hex[:12]}"
        place = Place(url=_in_namespace(self._url, namespace), namespace=namespace, is_shared=True)
        import redis  # noqa: PLC0415 - importing this module stays cheap

        try:
            with closing(place.open()) as client:
                client.ping()
                self._check_that_it_is_empty(client)
        except redis.RedisError as error:
            raise RedisUnavailableError(
                f"the redis for tests, {self._description}, cannot be used: {error}"
            ) from error
        self._is_usable = True
        return place

    def _check_that_it_is_empty(self, client: "redis.Redis") -> None:
        own = f"{self._namespace}-".encode()
        if not self._is_usable:
            for key in client.scan_iter(count=KEYS_PER_ROUND_TRIP):
                if not key.startswith(own):
                    raise ConfigError(
                        f"the redis for tests holds data, such as the key '{shown(text(key))}'; "
                        "give an empty database of it, as in redis://localhost/9, or allow it with "
                        "--pyasynq-redis-shared: tests use and delete only keys that begin with "
                        f"{self._namespace!r}"
                    )


def use_redis(url: str | None, *, may_hold_data: bool = False) -> None:
    """Let places be in the Redis of *url* from now on.

    Args:
        url: where it is, and which database to use; None: that of ``PYASYNQ_TEST_REDIS_URL``, or
            of a private server, as before the first call.
        may_hold_data: whether the database may hold keys of others, which are left alone.

    Raises:
        ConfigError: the URL is wrong, or names a cluster.
    """
    _given[:] = [_named(url, may_hold_data=may_hold_data)]


def _named(url: str | None, *, may_hold_data: bool = False) -> GivenRedis | None:
    url = url or os.environ.get(URL_VARIABLE)
    return GivenRedis(url, may_hold_data=may_hold_data) if url else None


def _server() -> EmbeddedServer:
    if not _private:
        folder = tempfile.TemporaryDirectory(prefix="pyasynq-testing-")
        server = EmbeddedServer.acquire(directory=Path(folder.name))
        atexit.register(folder.cleanup)
        atexit.register(server.release)
        _private.append(server)
    return _private[0]


def _take_database() -> int:
    if not _free:
        raise ConfigError(f"{DATABASES} tests use the private redis at once; let one of them end")
    return heapq.heappop(_free)


def _in_namespace(url: str, namespace: str) -> str:
    address, _, query = url.partition("?")
    return f"{address}?{urlencode({**dict(parse_qsl(query)), 'namespace': namespace})}"


_private: list[EmbeddedServer] = []
_free = list(range(DATABASES))
_given: list[GivenRedis | None] = []
