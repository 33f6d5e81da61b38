"""No test meets what another one has left: ports are given once, and what was started has ended."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support import left_behind, ports
from tests.support.left_behind import LeftBehind

TESTS = Path(__file__).parents[1]
OFFERED = re.compile(r'"(127\.0\.0\.1|localhost)", [0]\)|supervisor import [f]ree_port')
PORTS_OF_A_PROCESS = (
    "from tests.support.ports import *; print(free_port(), free_port(), free_port())"
)
SLEEPS = ("sleep", "600")
LEAVES = (sys.executable, "-c", f"import subprocess; subprocess.Popen({SLEEPS})")


def test_no_test_takes_a_port_that_the_system_offers():
    assert [path.name for path in TESTS.rglob("*.py") if OFFERED.search(path.read_text())] == []


def test_no_two_test_processes_get_the_same_port():
    ours = {ports.free_port() for _ in range(3)}

    found = subprocess.check_output([sys.executable, "-c", PORTS_OF_A_PROCESS], cwd=TESTS.parent)

    theirs = {int(port) for port in found.split()}
    assert len(ours) == len(theirs) == 3
    assert ours & theirs == set()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("command", [SLEEPS, LEAVES], ids=["child", "orphan"])
def test_a_process_that_a_module_leaves_behind_is_named(command, redis_client, monkeypatch):
    monkeypatch.setattr(left_behind, "WITHIN_S", 0.5)
    before = left_behind.started()
    with pytest.raises(AssertionError, match=r"tests of x leave behind: .*'sleep 600'"):
        with LeftBehind().nothing(redis_client, of="x"):
            child = subprocess.Popen(command)
            if command is LEAVES:
                child.wait()

    for _kind, pid in left_behind.started().keys() - before.keys():
        os.kill(pid, signal.SIGKILL)
    child.wait()


def test_a_connection_that_a_module_leaves_behind_is_named(redis_server, redis_client, monkeypatch):
    monkeypatch.setattr(left_behind, "WITHIN_S", 0.5)
    with pytest.raises(AssertionError, match=r"tests of x leave behind: a connection \(ping,"):
        with LeftBehind().nothing(redis_client, of="x"):
            other = redis_server.client()
            other.ping()

    other.close()


def test_a_thread_that_a_module_leaves_behind_is_named(redis_client, monkeypatch):
    monkeypatch.setattr(left_behind, "WITHIN_S", 0.5)
    go_on = threading.Event()
    with pytest.raises(AssertionError, match="tests of x leave behind: the thread 'idle'"):
        with LeftBehind().nothing(redis_client, of="x"):
            threading.Thread(target=go_on.wait, name="idle", daemon=True).start()

    go_on.set()


def test_what_ends_a_moment_later_is_waited_for(redis_client):
    with LeftBehind().nothing(redis_client, of="x"):
        thread = threading.Timer(0.1, str)
        thread.start()

    assert not thread.is_alive()
