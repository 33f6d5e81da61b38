"""Every kind of connection is made over TLS, with certificates that may be replaced meanwhile."""

import asyncio
import logging
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from pyasynq.app import App
from pyasynq.broker.operations.redis_info import PING
from pyasynq.broker.runners.runner import Runner
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.client import Client
from pyasynq.client_async import AsyncClient
from pyasynq.clock import SystemClock
from pyasynq.connection import arguments
from pyasynq.connection.connector import Connector
from pyasynq.connection.options import ConnectionOptions
from pyasynq.connection.transport.blocking import BlockingConnections
from pyasynq.connection.transport.replies import Trouble
from pyasynq.errors import ConfigError
from pyasynq.task import Task
from tests.support.certificates import KEY_PASSWORD, Certificates
from tests.support.eventually import eventually_async
from tests.support.tls_servers import TlsCluster, TlsSentinel, TlsServer
from tests.support.workplace import QUICK

pytestmark = pytest.mark.needs("redis-server", "openssl")

NOT_TEXT = b"\xff\x00\xfe"
KINDS = {"single": TlsServer, "cluster": TlsCluster, "sentinel": TlsSentinel}


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


@pytest.fixture(scope="module", params=KINDS)
def place(
    request: pytest.FixtureRequest, certificates: Certificates
) -> Iterator[TlsServer | TlsSentinel]:
    """A server, a cluster or a sentinel with its master."""
    found = KINDS[request.param](certificates)
    yield found
    found.stop()


async def test_tasks_are_enqueued_run_and_cancelled(place):
    app = App(place.tls_url(), **QUICK)
    started, ended = asyncio.Event(), asyncio.Event()

    @app.task(retention=60)
    async def double(number: int) -> int:
        return 2 * number

    @app.task
    async def wait() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with app.worker().running():
        handle = await double.aenqueue(21)
        blocking = await asyncio.to_thread(double.enqueue, 4)
        running = await wait.aenqueue()
        await started.wait()
        await running.acancel()
        await asyncio.wait_for(ended.wait(), 20)
        results = [await handle.aresult(20), await blocking.aresult(20)]
        with place.client() as client:
            clients = client.client_list()
    await app.aclose()

    ours = [each for each in clients if each["name"] == "pyasynq"]
    port = place.master.tls_port if isinstance(place, TlsSentinel) else place.tls_port
    assert results == [42, 8]
    assert {each["laddr"].rpartition(":")[2] for each in ours} == {str(port)}


async def test_who_has_no_certificate_is_told_so_at_once(place):
    url = place.tls_url(cert_file="", key_file="")
    remedy = r"wants a certificate of yours that it trusts \(cert_file=…"

    async with AsyncClient(url, enqueue_patience=600) as client:
        with pytest.raises(ConfigError, match=remedy):
            await client.enqueue(Task("email"))
    with Client(url, enqueue_patience=600) as blocking:
        with pytest.raises(ConfigError, match=remedy):
            await asyncio.to_thread(blocking.enqueue, Task("email"))
    with pytest.raises(ConfigError, match=remedy):
        await App(url, **QUICK).server().serve(App().mux)


@pytest.fixture
def replaceable(certificates, tmp_path):
    """A certificate and its key that are replaced by those of this name."""

    def replace(name: str) -> None:
        for suffix in ("pem", "key"):
            shutil.copy(
                certificates.authority.with_name(f"{name}.{suffix}"), tmp_path / f"own.{suffix}"
            )

    replace("client")
    replace.files = {"cert_file": tmp_path / "own.pem", "key_file": tmp_path / "own.key"}
    return replace


def cut(place) -> None:
    """Close every connection of clients, so that others are made."""
    with place.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
        client.client_kill_filter(_type="pubsub")


async def test_a_certificate_that_was_replaced_is_used_by_the_next_connection(place, replaceable):
    connector = Connector.of(place.tls_url(**replaceable.files))
    runner = AsyncRunner(connector.open_async(), clock=SystemClock())
    blocking = Runner(connector.open_sync(), clock=SystemClock())
    try:
        for name in ("client", "stranger", "client"):
            replaceable(name)
            cut(place)
            for run in (runner.run, lambda op: asyncio.to_thread(blocking.run, op)):
                if name == "client":
                    assert await run(PING) is None
                else:
                    with pytest.raises(ConfigError, match="wants a certificate of yours"):
                        await run(PING)
    finally:
        await runner.close()
        blocking.close()


async def test_a_worker_says_once_that_its_certificate_is_refused_and_goes_on_with_a_new_one(
    tls_server, replaceable, caplog
):
    app = App(tls_server.tls_url(**replaceable.files), **QUICK)
    ran = asyncio.Event()

    @app.task
    async def work() -> None:
        ran.set()

    async with app.server().running(app.mux):
        replaceable("stranger")
        cut(tls_server)
        await eventually_async(lambda: "wants a certificate of yours" in caplog.text)
        replaceable("client")
        await work.aenqueue()
        await asyncio.wait_for(ran.wait(), 20)
    await app.aclose()

    told = [each for each in caplog.records if "waits for redis" in each.getMessage()]
    refused = [each for each in told if "wants a certificate of yours" in each.getMessage()]
    assert [each.levelno for each in refused] == [logging.ERROR]


@pytest.mark.parametrize("way", ["file", "URL", "environment", "file of the environment"])
async def test_the_password_of_a_key_is_found(way, tls_server, certificates, tmp_path, monkeypatch):
    file = tmp_path / "password"
    file.write_text(f"{KEY_PASSWORD}\n")
    given: dict[str, Any] = {"key_file": certificates.encrypted_key}
    match way:
        case "file":
            given["key_password_file"] = file
        case "URL":
            given["key_password"] = KEY_PASSWORD
        case "environment":
            monkeypatch.setenv("PYASYNQ_REDIS_KEY_PASSWORD", KEY_PASSWORD)
        case _:
            monkeypatch.setenv("PYASYNQ_REDIS_KEY_PASSWORD_FILE", str(file))

    options = ConnectionOptions.from_url(tls_server.tls_url(**given))

    assert await round_trip(options) == [NOT_TEXT, NOT_TEXT]
    assert KEY_PASSWORD not in f"{options!r} {options} {Connector.of(options).description}"


def test_a_silent_server_is_given_up_over_tls_too(tls_server):
    connector = Connector.of(tls_server.tls_url())
    link = BlockingConnections(connector.open_sync(socket_timeout_s=0.2).connection_pool)
    (reply,) = link.exchange([("BLPOP", "nothing", "20")])
    link.close()

    assert isinstance(reply, Trouble)
    assert "timed out" in str(reply)


async def test_tls_settings_of_a_users_client_reach_the_server(
    tls_server, certificates, monkeypatch
):
    monkeypatch.setenv("PYASYNQ_REDIS_KEY_PASSWORD", KEY_PASSWORD)
    given = redis.Redis(
        port=tls_server.tls_port,
        ssl=True,
        ssl_ca_certs=str(certificates.authority),
        ssl_certfile=str(certificates.client),
        ssl_keyfile=str(certificates.encrypted_key),
    )

    assert await round_trip(given) == [NOT_TEXT, NOT_TEXT]


async def test_without_verification_any_certificate_is_trusted_and_that_is_said_once(
    tls_server, caplog
):
    arguments._warn_of_any_certificate.cache_clear()
    url = tls_server.tls_url(ca_file="", verify="none")

    assert await round_trip(url) == [NOT_TEXT, NOT_TEXT]
    assert await round_trip(url) == [NOT_TEXT, NOT_TEXT]

    lines = [each for each in caplog.messages if "is not verified" in each]
    assert len(lines) == 1
    assert "name its authority (ca_file=…) in place of verify=none" in lines[0]


async def test_a_newer_version_of_tls_may_be_demanded(tls_server):
    url = tls_server.tls_url(min_tls_version="1.3")

    assert await round_trip(url) == [NOT_TEXT, NOT_TEXT]
