"""The relay as a process: killed at the worst moment, and stopped as a service is."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyasynq.cli.main import run
from pyasynq.contrib.sqlalchemy import Relay
from pyasynq.contrib.sqlalchemy.__main__ import command
from tests.contrib.sqlalchemy.shop import app, fill, outbox, waiting
from tests.support.eventually import eventually

ROOT = Path(__file__).parents[3]
TARGET = "tests.contrib.sqlalchemy.relay_program:relay"
COMMAND = (sys.executable, "-m", "pyasynq.contrib.sqlalchemy")


@pytest.fixture
def environment(redis_url, database):
    app.reconfigure(redis_url)
    return {**os.environ, "PYASYNQ_REDIS_URL": redis_url, "DATABASE": str(database)}


def pending(redis_client) -> int:
    return redis_client.llen("asynq:{default}:pending")


@pytest.mark.slow
def test_a_relay_killed_between_write_and_delete_is_followed_by_one_that_stores_nothing_twice(
    engine, environment, redis_client
):
    fill(engine, *(f"{number}" for number in range(15)))
    dying = {**environment, "DIES_BEFORE_DELETE": "1"}
    killed = subprocess.run((*COMMAND, TARGET), env=dying, cwd=ROOT, check=False)
    after_the_kill = waiting(engine), pending(redis_client)

    moved = Relay(outbox, engine).run_once()

    assert (killed.returncode, after_the_kill) == (-signal.SIGKILL, (15, 10))
    assert (moved.moved, waiting(engine), pending(redis_client)) == (15, 0, 15)


@pytest.mark.long
def test_a_relay_moves_rows_until_sigterm(engine, environment, redis_client):
    fill(engine, *(f"{number}" for number in range(15)))
    with subprocess.Popen((*COMMAND, TARGET), env=environment, cwd=ROOT) as relay:
        eventually(lambda: waiting(engine) == 0)
        relay.terminate()

    assert (relay.returncode, pending(redis_client)) == (0, 15)


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("relay", "name the relay as module:name, such as shop:relay, not 'relay'"),
        ("nowhere:relay", "nowhere:relay cannot be loaded: No module named 'nowhere'"),
        ("sys:path", "sys:path is a list, not a Relay; make one with Relay(outbox, engine)"),
    ],
)
def test_a_wrong_target_is_told_in_one_line(target, told, capfd, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    code = run(lambda: command([target], standalone_mode=False))

    assert code != 0
    assert told in capfd.readouterr().err
