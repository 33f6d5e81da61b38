"""Clients are made of URLs, options and users' own clients, whose settings they use."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.sentinel

from pyasynq.connection.connector import Connector
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError
from tests.support.redis_server import RedisServer

NOT_TEXT = b"\xff\x00\xfe"
# The rights that docs/reference names as the least that are needed.
LEAST_RIGHTS = (
    "resetkeys ~asynq:* resetchannels &asynq:cancel &asynq:x:due -@all +hello +auth +ping +select "
    "+client|setname +eval +evalsha +script|load +publish +subscribe +unsubscribe +time +del "
    "+exists +expire +expireat +get +set +setex +setnx +incr +hdel +hget +hgetall +hmget +hset "
    "+hvals +llen +lpush +lrange +lrem +rpush +rpoplpush +sadd +sismember +smembers +srem +zadd "
    "+zcard +zrange +zrangebyscore +zrem +zremrangebyrank +zremrangebyscore +zrevrange +zscore "
    "+memory|usage +info"
)


class Provider(redis.CredentialProvider):
    def get_credentials(self) -> tuple[str, str]:
        return "me", "word"


def settings_of(client: Any) -> dict[str, Any]:
    """Settings of a client's connections, without opening one."""
    connection = client.connection_pool.make_connection()
    settings: dict[str, Any] = {**client.connection_pool.connection_kwargs}
    settings["class"] = type(connection).__name__
    return settings


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://h:7000/2", "Connection"),
        ("rediss://h", "TlsConnection"),
        ("unix:///run/r.sock", "UnixConnection"),
    ],
)
@pytest.mark.parametrize("opener", ["open_sync", "open_async"])
def test_client_speaks_resp2_in_bytes_and_never_repeats(url: str, kind: str, opener: str) -> None:
    client = getattr(Connector.of(url), opener)()

    settings = settings_of(client)

    assert settings["class"].removeprefix("Async").removeprefix("Tcp") == kind
    assert settings["protocol"] == 2
    assert settings["decode_responses"] is False
    assert settings["retry"].get_retries() == 0
    assert settings["driver_info"] is None
    assert settings["client_name"] == "pyasynq"
    assert settings["socket_connect_timeout"] == 5.0
    assert settings["socket_timeout"] == 5.0


def test_socket_timeout_of_one_client_wins_over_the_options() -> None:
    client = Connector.of("redis://h?socket_timeout=3").open_sync(socket_timeout_s=8.5)

    assert settings_of(client)["socket_timeout"] == 8.5


def test_tls_verifies_the_certificate_and_the_name_unless_turned_off(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    strict = settings_of(Connector.of(f"rediss://h?ca_file={authority}").open_sync())
    lax = settings_of(Connector.of("rediss://h?verify=none").open_sync())

    assert strict["ssl_cert_reqs"] == "required"
    assert strict["ssl_check_hostname"] is True
    assert strict["ssl_ca_certs"] == str(authority)
    assert lax["ssl_cert_reqs"] == "none"
    assert lax["ssl_check_hostname"] is False


@pytest.mark.parametrize("library", [redis, redis.asyncio])
@pytest.mark.parametrize("opener", ["open_sync", "open_async"])
def test_users_client_is_cloned_but_for_decoding_protocol_and_retries(
    library: Any, opener: str
) -> None:
    given = library.Redis(
        host="h", port=7000, db=3, username="me", password="word", decode_responses=True, protocol=3
    )

    settings = settings_of(getattr(Connector.of(given), opener)())

    kept = {name: settings[name] for name in ("host", "port", "db", "username", "password")}
    assert kept == {"host": "h", "port": 7000, "db": 3, "username": "me", "password": "word"}
    assert settings["decode_responses"] is False
    assert settings["protocol"] == 2
    assert settings["retry"].get_retries() == 0


@pytest.mark.parametrize("library", [redis, redis.asyncio])
@pytest.mark.parametrize("opener", ["open_sync", "open_async"])
def test_tls_of_a_users_client_is_kept(library: Any, opener: str) -> None:
    given = library.Redis(host="h", ssl=True, ssl_ca_certs="/ca.pem")

    settings = settings_of(getattr(Connector.of(given), opener)())

    assert settings["class"].removeprefix("Async") == "TlsConnection"
    assert settings["ssl_ca_certs"] == "/ca.pem"
    assert settings["ssl_cert_reqs"] == "required"


def test_credential_provider_and_name_of_a_users_client_are_kept() -> None:
    provider = Provider()
    given = redis.Redis(host="h", credential_provider=provider, client_name="shop")

    settings = settings_of(Connector.of(given).open_async())

    assert settings["credential_provider"] is provider
    assert settings["client_name"] == "shop"


def test_socket_of_a_users_client_is_kept() -> None:
    given = redis.Redis(unix_socket_path="/run/r.sock", db=4)

    settings = settings_of(Connector.of(given).open_async())

    assert settings["class"].removeprefix("Async") == "UnixConnection"
    assert settings["path"] == "/run/r.sock"
    assert settings["db"] == 4


@pytest.mark.parametrize(
    "given",
    [
        redis.sentinel.Sentinel([("h", 1)]).master_for("main"),
        redis.RedisCluster.__new__(redis.RedisCluster),
        object(),
        7,
    ],
    ids=["sentinel", "cluster", "object", "number"],
)
def test_client_that_cannot_be_cloned_is_refused_with_a_way_out(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"cannot take over .*; pass a URL"):
        Connector.of(given)


class FakeConnection(redis.Connection):
    """As of fakeredis, a tunnel, a recorder."""


class FakeAsyncConnection(redis.asyncio.Connection):
    """The same for async clients."""


class ConnectionPool(redis.ConnectionPool):
    """Of the name that redis-py's has."""


FAKES = {
    "connection": redis.Redis(
        connection_pool=redis.ConnectionPool(connection_class=FakeConnection, host="h")
    ),
    "async connection": redis.asyncio.Redis(
        connection_pool=redis.asyncio.ConnectionPool(connection_class=FakeAsyncConnection)
    ),
    "pool": redis.Redis(connection_pool=ConnectionPool(host="h")),
}


@pytest.mark.parametrize("name", FAKES)
def test_a_client_that_connects_in_a_way_of_its_own_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"is not one of redis-py's, and would not be used; for"):
        Connector.of(FAKES[name])


def test_a_client_whose_connect_function_would_not_be_called_is_refused() -> None:
    given = redis.Redis(host="h", redis_connect_func=print)

    with pytest.raises(ConfigError, match="its redis_connect_func would not be called; pass a URL"):
        Connector.of(given)


def test_password_is_not_in_the_description_of_a_users_client() -> None:
    connector = Connector.of(redis.Redis(host="h", password="hunter2"))

    assert connector.description == "h:6379/0 (as your client)"


def test_connector_of_a_connector_is_itself() -> None:
    connector = Connector.of(ConnectionOptions(namespace="shop"))

    assert Connector.of(connector) is connector
    assert connector.namespace == "shop"


def test_importing_connections_does_not_import_redis() -> None:
    program = (
        "import sys; import pyasynq.connection.connector, pyasynq.connection.subscription; "
        "print(sorted({'redis', 'google'} & sys.modules.keys()))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout == b"[]\n"


async def round_trip(source: Any) -> list[Any]:
    """What a sync and an async client of *source* read back."""
    connector = Connector.of(source)
    sync_client, async_client = connector.open_sync(), connector.open_async()
    try:
        sync_client.set("asynq:key", NOT_TEXT)
        return [sync_client.get("asynq:key"), await async_client.get("asynq:key")]
    finally:
        sync_client.close()
        await async_client.aclose()


@pytest.mark.parametrize("form", ["url", "tcp_url"])
async def test_clients_reach_redis_over_socket_and_port(
    redis_server: RedisServer, redis_url: str, form: str
) -> None:
    assert await round_trip(getattr(redis_server, form)) == [NOT_TEXT, NOT_TEXT]


@pytest.mark.parametrize("library", [redis, redis.asyncio])
async def test_users_decoding_client_is_cloned_into_clients_that_give_bytes(
    redis_server: RedisServer, redis_url: str, library: Any
) -> None:
    given = library.Redis(port=redis_server.port, decode_responses=True)

    assert await round_trip(given) == [NOT_TEXT, NOT_TEXT]


async def test_database_of_the_url_is_used(
    redis_server: RedisServer, redis_client: redis.Redis
) -> None:
    await round_trip(f"redis://127.0.0.1:{redis_server.port}/3")

    assert redis_client.exists("asynq:key") == 0
    redis_client.select(3)
    assert redis_client.exists("asynq:key") == 1


async def test_client_shows_its_name_in_the_client_list(
    redis_server: RedisServer, redis_client: redis.Redis
) -> None:
    client = Connector.of(f"{redis_server.tcp_url}?client_name=shop").open_sync()

    client.ping()

    assert "shop" in [each["name"] for each in redis_client.client_list()]
    client.close()


@pytest.fixture
def restricted(redis_server: RedisServer, redis_client: redis.Redis) -> Iterator[str]:
    """URL of a user with the least rights, whose password needs percent-encoding."""
    redis_client.execute_command(
        "ACL", "SETUSER", "asynq", "reset", "on", ">p@ss/w:?", *LEAST_RIGHTS.split()
    )
    redis_client.execute_command("ACL", "LOG", "RESET")
    yield f"redis://asynq:p%40ss%2Fw%3A%3F@127.0.0.1:{redis_server.port}/0"
    redis_client.execute_command("ACL", "DELUSER", "asynq")


async def test_least_rights_are_enough_to_connect(
    restricted: str, redis_client: redis.Redis
) -> None:
    assert await round_trip(restricted) == [NOT_TEXT, NOT_TEXT]
    assert redis_client.execute_command("ACL", "LOG") == []


async def test_credential_provider_of_a_users_client_logs_in(
    restricted: str, redis_server: RedisServer
) -> None:
    provider = redis.UsernamePasswordCredentialProvider("asynq", "p@ss/w:?")
    given = redis.Redis(port=redis_server.port, credential_provider=provider)

    assert await round_trip(given) == [NOT_TEXT, NOT_TEXT]


async def test_wrong_password_fails_and_is_not_shown(redis_server: RedisServer) -> None:
    client = Connector.of(f"redis://asynq:hunter2@127.0.0.1:{redis_server.port}").open_sync()

    with pytest.raises(redis.AuthenticationError) as raised:
        client.ping()

    assert "hunter2" not in str(raised.value)
