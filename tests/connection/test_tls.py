"""Clients on a real Redis: sockets, TLS, access rights, users' own clients."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from pyasynq.connection.connector import Connector
from pyasynq.connection.embedded.supervisor import free_port
from pyasynq.connection.options import ConnectionOptions
from pyasynq.connection.transport.blocking import BlockingConnections
from pyasynq.connection.transport.replies import Trouble
from tests.support.certificates import Certificates, make_certificates
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


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls_server(certificates: Certificates) -> Iterator[tuple[RedisServer, int]]:
    """A server that asks for client certificates, and its TLS port."""
    port = free_port()
    server = RedisServer(
        *("--tls-port", str(port), "--tls-ca-cert-file", str(certificates.authority)),
        *("--tls-cert-file", str(certificates.server)),
        *("--tls-key-file", str(certificates.server_key)),
        binary=shutil.which("redis-server") or "",
    )
    yield server, port
    server.stop()


def tls_options(certificates: Certificates, port: int, **more: Any) -> ConnectionOptions:
    settings: dict[str, Any] = {
        "hosts": (("127.0.0.1", port),),
        "tls": True,
        "ca_file": str(certificates.authority),
        "cert_file": str(certificates.client),
        "key_file": str(certificates.client_key),
    }
    return ConnectionOptions(**settings | more)


@pytest.mark.needs("redis-server", "openssl")
async def test_tls_reaches_a_server_whose_authority_is_trusted(
    tls_server: tuple[RedisServer, int], certificates: Certificates
) -> None:
    _, port = tls_server

    assert await round_trip(tls_options(certificates, port)) == [NOT_TEXT, NOT_TEXT]


@pytest.mark.needs("redis-server", "openssl")
def test_a_silent_server_is_given_up_over_tls_too(
    tls_server: tuple[RedisServer, int], certificates: Certificates
) -> None:
    connector = Connector.of(tls_options(certificates, tls_server[1]))
    link = BlockingConnections(connector.open_sync(socket_timeout_s=0.2).connection_pool)
    (reply,) = link.exchange([("BLPOP", "nothing", "20")])
    link.close()

    assert isinstance(reply, Trouble)
    assert "timed out" in str(reply)


@pytest.mark.needs("redis-server", "openssl")
async def test_tls_settings_of_a_users_client_reach_the_server(
    tls_server: tuple[RedisServer, int], certificates: Certificates
) -> None:
    _, port = tls_server
    given = redis.Redis(
        port=port,
        ssl=True,
        ssl_ca_certs=str(certificates.authority),
        ssl_certfile=str(certificates.client),
        ssl_keyfile=str(certificates.client_key),
    )

    assert await round_trip(given) == [NOT_TEXT, NOT_TEXT]


@pytest.mark.needs("redis-server", "openssl")
async def test_tls_refuses_an_authority_that_is_not_trusted(
    tls_server: tuple[RedisServer, int], certificates: Certificates
) -> None:
    _, port = tls_server

    with pytest.raises(redis.ConnectionError, match=r"(?i)certificate verify failed"):
        await round_trip(tls_options(certificates, port, ca_file=""))


@pytest.mark.needs("redis-server", "openssl")
async def test_tls_without_verification_trusts_any_certificate(
    tls_server: tuple[RedisServer, int], certificates: Certificates
) -> None:
    _, port = tls_server
    options = tls_options(certificates, port, ca_file="", verify=False)

    assert await round_trip(options) == [NOT_TEXT, NOT_TEXT]
