"""A Redis that cannot run our scripts ends a command at once, with exit code 2 and the way out."""

import os
import subprocess
import sys

import pytest

from tests.support.redis_server import RedisServer
from tests.support.twemproxy import Twemproxy

APP = """
from pyasynq import App
app = App()
@app.task
def greet(name: str) -> None: ...
"""
COMMANDS = [
    ["task", "enqueue", "-t", "greet"],
    ["worker", "shop:app"],
    ["worker", "shop:app", "--processes", "2"],
]
IDS = ["enqueue", "worker", "processes"]


@pytest.fixture(scope="module")
def without_scripts():
    server = RedisServer("--rename-command", "EVALSHA", "")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def without_hash_tags():
    proxy = Twemproxy(hash_tag="")
    yield proxy
    proxy.stop()


def run(command, url, folder):
    (folder / "shop.py").write_text(APP)
    return subprocess.run(
        [sys.executable, "-m", "pyasynq", *command],
        env={**os.environ, "PYASYNQ_REDIS_URL": url},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_a_redis_without_scripts_is_told_in_one_sentence(command, without_scripts, tmp_path):
    done = run(command, without_scripts.tcp_url, tmp_path)

    assert done.returncode == 2
    assert "Error: redis lets us run no scripts" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.needs("nutcracker")
@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_a_proxy_without_hash_tags_is_told_in_one_sentence(command, without_hash_tags, tmp_path):
    done = run(command, without_hash_tags.url, tmp_path)

    assert done.returncode == 2
    assert "Error: the proxy in front of redis spreads the keys of one queue" in done.stderr
    assert 'set hash_tag: "{}" of twemproxy' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def without_info():
    server = RedisServer("--rename-command", "INFO", "")
    yield server
    server.stop()


@pytest.mark.parametrize("command", [["stats"], ["queue", "ls"], ["server", "ls"]], ids=" ".join)
def test_looks_need_no_info_of_redis(command, without_info, tmp_path):
    with without_info.client() as client:
        client.sadd("asynq:queues", "mail")

    done = run(command, without_info.tcp_url, tmp_path)

    assert done.returncode == 0
    assert not done.stderr or "No server is alive" in done.stderr
