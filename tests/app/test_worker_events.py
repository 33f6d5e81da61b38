"""Each process of an App tells of itself, and has told of its end before it is gone."""

import json
import signal
import subprocess
import sys

import pytest

from tests.support.eventually import eventually

PROGRAM = """
import json
import threading
import time
from pyasynq import App

app = App({url!r}, name="shop")
told = open({told!r}, "a", buffering=1)

@app.periodic("@every 1s")
def sweep() -> None: ...

@app.on("worker_started", "worker_stopped")
def tell(event):
    time.sleep(0.05)
    told.write(json.dumps([event.name, event.pid, event.server_id, event.reason]) + "\\n")

@app.on("periodic_enqueued")
def hang(event):
    told.write(json.dumps([event.name, 0, "", ""]) + "\\n")
    threading.Event().wait()
"""


def told_in(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.long
def test_each_process_tells_of_itself_and_a_listener_that_hangs_does_not_keep_it(
    redis_url, tmp_path
):
    told = tmp_path / "told"
    (tmp_path / "shop.py").write_text(PROGRAM.format(url=redis_url, told=str(told)))
    command = [sys.executable, "-m", "pyasynq", "worker", "shop:app", "--processes", "2"]

    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        eventually(
            lambda: len([each for each in told_in(told) if each[0] == "worker_started"]) == 2
        )
        eventually(lambda: "periodic_enqueued" in [each[0] for each in told_in(told)])
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0

    started = {tuple(each[1:3]) for each in told_in(told) if each[0] == "worker_started"}
    stopped = [each[1:] for each in told_in(told) if each[0] == "worker_stopped"]
    assert {tuple(each[:2]) for each in stopped} == started
    assert [each[2] for each in stopped] == ["shutdown"] * 2
    assert len({pid for pid, _server in started}) == 2
