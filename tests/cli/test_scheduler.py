"""Periodic tasks of an App, as its commands enqueue and run them."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from pyasynq.inspector import Inspector
from tests.support.eventually import eventually

APP = """
from pyasynq import App

app = App(task_check_interval=0.01)

@app.periodic("@every 1s", key="tick")
async def tick() -> None:
    with open("ticks", "a") as ticks:
        ticks.write("x")
"""
WITHOUT = "from pyasynq import App\n\napp = App()\n"
SLOW = pytest.mark.long


@pytest.fixture
def start(redis_url, tmp_path):
    """Starts a command on an App; yields the process, whose log is a file."""

    @contextmanager
    def start(*command, app=APP, **environment):
        (tmp_path / "shop.py").write_text(app)
        with (
            (tmp_path / "log").open("w") as log,
            subprocess.Popen(
                [sys.executable, "-m", "pyasynq", *command],
                cwd=tmp_path,
                env={**os.environ, "PYASYNQ_REDIS_URL": redis_url, **environment},
                stderr=log,
            ) as process,
        ):
            try:
                yield process
            finally:
                process.terminate()

    return start


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("worker",),
        pytest.param(("worker", "--processes", "2"), marks=SLOW),
        pytest.param(("dev", "--no-reload", "--no-ui"), marks=SLOW),
    ],
)
def test_a_worker_enqueues_and_runs_periodic_tasks(start, tmp_path, command, redis_client):
    with start(*command, "shop:app") as process:
        eventually((tmp_path / "ticks").exists)
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)

    log = (tmp_path / "log").read_text()
    assert code == 0
    assert "1 task type, 1 periodic task (server" in log
    assert "scheduler default leads" in log
    assert redis_client.keys("asynq:schedulers:*") == []
    assert not redis_client.exists("asynq:leader:default")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "environment"),
    [
        (["--no-scheduler"], {}),
        pytest.param([], {"PYASYNQ_SCHEDULER": "false"}, marks=SLOW),
    ],
)
def test_a_worker_may_leave_the_scheduler_out(start, tmp_path, redis_client, options, environment):
    with start("worker", "shop:app", *options, **environment):
        eventually(lambda: "1 task type (server" in (tmp_path / "log").read_text())

    assert "pyasynq.scheduler" not in (tmp_path / "log").read_text()
    assert redis_client.keys("*:x:tick:*") == []


@pytest.mark.slow
def test_a_scheduler_alone_enqueues_and_runs_nothing(start, tmp_path, redis_url):
    with start("scheduler", "shop:app") as process, Inspector(redis_url) as inspector:
        eventually(lambda: inspector.queues.list() == ["default"])
        eventually(inspector.schedulers.entries)
        (entry,) = inspector.schedulers.entries()
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
        assert inspector.queues.info("default").pending >= 1
        assert inspector.schedulers.entries() == []

    assert (code, entry.spec, entry.task_type) == (0, "@every 1s", "tick")
    assert not (tmp_path / "ticks").exists()


@pytest.mark.slow
def test_a_scheduler_that_has_nothing_to_do_says_so(start, tmp_path):
    with start("scheduler", "shop:app", app=WITHOUT):
        eventually(lambda: "scheduler default leads; entries: 0" in (tmp_path / "log").read_text())

    assert "WARNING pyasynq.scheduler: no periodic task is registered; is a module not im" in (
        (tmp_path / "log").read_text()
    )


def test_settings_of_the_project_hold_for_schedulers(cli, tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text('[tool.pyasynq]\napp = "nowhere:app"\n')
    monkeypatch.chdir(tmp_path)

    done = cli("scheduler")

    assert done.code == 2
    assert "there is no module 'nowhere'" in done.err
