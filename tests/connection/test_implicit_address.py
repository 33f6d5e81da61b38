"""Where Redis is looked for when nobody names one: `pyasynq dev` may start one at any time."""

import socket
from pathlib import Path

import pytest

from pyasynq.client import Client
from pyasynq.client_async import AsyncClient
from pyasynq.connection.embedded.server import EmbeddedServer
from pyasynq.connection.options import URL_VARIABLE, ConnectionOptions
from pyasynq.errors import RedisUnavailableError
from pyasynq.inspector import AsyncInspector, Inspector
from pyasynq.task import Task

pytestmark = pytest.mark.slow

TASK = Task("email")


def _somebody_is_at_the_default_port() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", 6379)) == 0


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current directory, in which nobody names a Redis."""
    if _somebody_is_at_the_default_port():
        pytest.skip("a Redis runs at the default port of this machine")
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def start(folder):
    """Starts the embedded Redis of a folder, as `pyasynq dev` does there."""
    servers: list[EmbeddedServer] = []

    def started(where: Path = folder) -> EmbeddedServer:
        servers.append(EmbeddedServer.acquire(data_folder=str(where / ".pyasynq")))
        return servers[-1]

    yield started
    for server in servers:
        server.release()


def test_a_client_finds_a_redis_that_is_started_later(folder, start):
    with Client(enqueue_patience=0) as client, Inspector() as inspector:
        with pytest.raises(RedisUnavailableError):
            client.enqueue(TASK)
        server = start()

        info = client.enqueue(TASK)

        assert inspector.tasks.get("default", info.id).type == "email"
        assert str(server.port) in inspector.description


async def test_an_async_client_finds_a_redis_that_is_started_later(folder, start):
    async with AsyncClient(enqueue_patience=0) as client, AsyncInspector() as inspector:
        with pytest.raises(RedisUnavailableError):
            await client.enqueue(TASK)
        server = start()

        info = await client.enqueue(TASK)

        assert (await inspector.tasks.get("default", info.id)).type == "email"
        assert str(server.port) in inspector.description


def test_a_client_looks_where_it_was_made_wherever_the_process_goes(folder, start, monkeypatch):
    with Client(enqueue_patience=0) as client:
        with pytest.raises(RedisUnavailableError):
            client.enqueue(TASK)
        start()
        monkeypatch.chdir("/")

        client.enqueue(TASK)


def test_the_redis_that_was_found_lives_as_long_as_somebody_uses_it(folder, start):
    with Client(enqueue_patience=0) as client:
        with pytest.raises(RedisUnavailableError):
            client.enqueue(TASK)
        server = start()
        client.enqueue(TASK)
        server.release()

        client.enqueue(TASK)


def test_an_address_that_somebody_named_is_not_looked_up(folder, start, monkeypatch):
    start()
    with Client("redis://127.0.0.1:1", enqueue_patience=0) as by_argument:
        with pytest.raises(RedisUnavailableError):
            by_argument.enqueue(TASK)
    monkeypatch.setenv(URL_VARIABLE, "redis://127.0.0.1:1")
    with Client(enqueue_patience=0) as by_environment:
        with pytest.raises(RedisUnavailableError):
            by_environment.enqueue(TASK)
    monkeypatch.delenv(URL_VARIABLE)
    (folder / "pyproject.toml").write_text("[tool.pyasynq]\nredis_url = 'redis://127.0.0.1:1'\n")
    with Client(enqueue_patience=0) as by_project:
        with pytest.raises(RedisUnavailableError):
            by_project.enqueue(TASK)


def test_a_folder_below_uses_the_redis_of_the_folder_above(folder, start, monkeypatch):
    server = start()
    below = folder / "src" / "shop"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    with Client() as client, Inspector() as inspector:
        info = client.enqueue(TASK)

        assert inspector.tasks.get("default", info.id).id == info.id
        assert str(server.port) in inspector.description


def test_the_nearest_folder_decides(folder, start, monkeypatch):
    outer = start()
    inner = folder / "inner"
    (inner / "src").mkdir(parents=True)
    server = start(inner)
    monkeypatch.chdir(inner / "src")

    with Inspector() as inspector:
        assert str(server.port) in inspector.description
    assert server.port != outer.port


def test_the_nearest_folder_decides_even_if_its_redis_does_not_run(folder, start, monkeypatch):
    start()
    inner = folder / "inner"
    (inner / ".pyasynq").mkdir(parents=True)
    monkeypatch.chdir(inner)

    assert ConnectionOptions.from_environment().kind == "standalone"


def test_the_error_tells_how_to_get_a_redis(folder):
    with Client(enqueue_patience=0.1) as client, pytest.raises(RedisUnavailableError) as caught:
        client.enqueue(TASK)

    hint = "is Redis running there? name another one by its URL or by PYASYNQ_REDIS_URL"
    assert caught.value.hint.startswith(hint)
    assert str(caught.value).endswith("`pyasynq dev` starts one")
