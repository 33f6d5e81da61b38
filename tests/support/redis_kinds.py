"""The kinds of Redis that tests can run on: `pytest --redis KIND`.

The server program is another question: PYASYNQ_REDIS_SERVER names it, for all kinds.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, Protocol

import pytest
import redis

from tests.support.redis_cluster import RedisCluster
from tests.support.redis_sentinel import RedisSentinel
from tests.support.redis_server import RedisServer

SINGLE = "single"
OF_ONE_SERVER = "about one server: its ports, settings or users, or a proxy before it"

STARTED_BY_TESTS = {"Envoy", "RedisCluster", "RedisSentinel", "RedisServer", "Twemproxy"}


class AnyRedis(Protocol):
    """One server, or several that act as one."""

    @property
    def url(self) -> str: ...

    def client(self) -> redis.Redis:
        """Return a client that sees the keys of all nodes."""

    def stop(self) -> None: ...


class WholeCluster(redis.RedisCluster):
    """A client that asks all nodes what one server would be asked."""

    COMMAND_FLAGS = redis.RedisCluster.COMMAND_FLAGS | dict.fromkeys(
        (
            "ACL SETUSER",
            "CLIENT KILL",
            "CONFIG RESETSTAT",
            "CONFIG SET",
            "DBSIZE",
            "KEYS",
            "PUBSUB NUMSUB",
        ),
        redis.RedisCluster.PRIMARIES,
    )

    @classmethod
    def of(cls, cluster: RedisCluster) -> "WholeCluster":
        return cls("127.0.0.1", cluster.nodes[0].port, protocol=2)

    def info(self, section: str) -> dict[str, Any]:
        """Return the figures of all nodes, added up."""
        return dict(reduce(_sum, super().info(section, target_nodes=self.PRIMARIES).values()))

    def publish(self, channel: str, message: Any) -> int:
        """Publish once; return how many listen to it at all nodes, not at the one that is asked."""
        ((_channel, listening),) = self.pubsub_numsub(channel)
        super().publish(channel, message)
        return int(listening)

    def close(self) -> None:
        """Stay open: all tests share it, since making one takes longer than most of them."""

    def end(self) -> None:
        super().close()


class Cluster(RedisCluster):
    """Three primaries, and one client that sees the keys of all."""

    def __init__(self) -> None:
        super().__init__()
        self._client = WholeCluster.of(self)

    def client(self) -> redis.Redis:
        return self._client

    def stop(self) -> None:
        self._client.end()
        super().stop()


class BehindSentinel:
    """A primary that a sentinel names."""

    def __init__(self) -> None:
        self._sentinel = RedisSentinel()
        self.url = self._sentinel.url()

    def client(self) -> redis.Redis:
        return self._sentinel.master.client()

    def stop(self) -> None:
        self._sentinel.stop()


KINDS: dict[str, Callable[[], AnyRedis]] = {
    SINGLE: RedisServer,
    "cluster": Cluster,
    "sentinel": BehindSentinel,
}


def in_namespace(url: str, name: str) -> str:
    """Return the URL of the same Redis with a namespace."""
    return f"{url}{'&' if '?' in url else '?'}namespace={name}"


def with_next_database(url: str) -> str:
    """Return the URL of database 1 of a Redis that is not a cluster."""
    return url.replace("db=0", "db=1").replace("/0?", "/1?")


def talks_to_it(item: pytest.Item, kind: str) -> bool:
    """Return whether a test talks to a Redis of this kind, or to a single server of its own."""
    if "any_redis" in item.fixturenames:
        return True
    starts_its_own = {"own_redis", "lasting_cluster"}.intersection(item.fixturenames)
    return kind == SINGLE and bool(starts_its_own or STARTED_BY_TESTS & vars(item.module).keys())


def reason_to_skip(item: pytest.Item, kind: str) -> str | None:
    """Return why a test says nothing about this kind of Redis; None if it does."""
    if kind == SINGLE:
        return None
    if "redis_server" in item.fixturenames:
        return OF_ONE_SERVER
    mark = item.get_closest_marker("not_on_a_cluster")
    return mark.args[0] if mark is not None and kind == "cluster" else None


def _sum(one: Any, other: Any) -> Any:
    """Add numbers, and those in dictionaries; of all else the first counts."""
    if isinstance(one, dict):
        return {
            name: _sum(one[name], other[name]) if name in one and name in other else value
            for name, value in (one | other).items()
        }
    return one + other if isinstance(one, int | float) else one
