"""Clients reach a server over TLS, and refuse one that they have no reason to trust."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from pyasynq.connection.connector import Connector
from pyasynq.connection.options import ConnectionOptions
from pyasynq.connection.transport.blocking import BlockingConnections
from pyasynq.connection.transport.replies import Trouble
from tests.support.certificates import Certificates, make_certificates
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer

NOT_TEXT = b"\xff\x00\xfe"


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
