"""Settings of a server that variables give, in the place of what the code of the App says."""

import json
import os
import subprocess
import sys

import pytest

from pyasynq.app import App
from pyasynq.cli import dev, metrics, scheduler, web, worker
from pyasynq.cli.server_settings import misspelt, reconfigure
from pyasynq.errors import ConfigError

APP = """
import json, os, signal
from pyasynq import App

app = App(shutdown_timeout=5, cancel_grace=4, concurrency=3)

@app.on("worker_started")
def tell(event) -> None:
    config = app.config
    found = config.shutdown_timeout, config.cancel_grace, config.concurrency, config.queues
    print("SETTINGS", json.dumps(found), flush=True)
    os.kill(os.getppid(), signal.SIGTERM)
"""


@pytest.fixture
def app():
    return App("redis://127.0.0.1:1", concurrency=3, lease_duration=40)


def test_a_variable_wins_over_the_code_and_what_is_given_over_both(app, monkeypatch):
    monkeypatch.setenv("PYASYNQ_SHUTDOWN_TIMEOUT", "30")
    monkeypatch.setenv("PYASYNQ_CONCURRENCY", "7")
    monkeypatch.setenv("PYASYNQ_QUEUES", "")
    monkeypatch.setenv("PYASYNQ_TASK_HISTORY", "true")

    reconfigure(app, None, {"concurrency": 9})

    config = app.config
    assert (config.shutdown_timeout, config.concurrency, config.lease_duration) == (30, 9, 40)
    assert config.queues == {"default": 1}
    assert config.task_history is not None


def test_one_error_names_every_wrong_setting_and_its_variable(app, monkeypatch):
    for name, text in {
        "SHUTDOWN_TIMEOUT": "soon",
        "CANCEL_GRACE": "-1",
        "QUEUES": "mail=0",
        "HEARTBEAT_INTERVAL": "30",
    }.items():
        monkeypatch.setenv(f"PYASYNQ_{name}", text)

    with pytest.raises(ConfigError) as caught:
        reconfigure(app, "redis://127.0.0.1:x", {"concurrency": 0})

    faults = caught.value.faults
    assert [each.partition(": ")[0] for each in faults[:3]] == [
        "PYASYNQ_QUEUES='mail=0'",
        "PYASYNQ_SHUTDOWN_TIMEOUT='soon'",
        "PYASYNQ_CANCEL_GRACE='-1'",
    ]
    assert faults[1] == "PYASYNQ_SHUTDOWN_TIMEOUT='soon': use a number of seconds"
    assert [each.partition(" ")[0] for each in faults[3:]] == [
        "concurrency",
        "heartbeat_interval",
        "port",
    ]
    assert faults[4].endswith("loses every lease (see PYASYNQ_HEARTBEAT_INTERVAL)")


def test_a_variable_that_is_a_misspelt_setting_is_logged(app, monkeypatch, caplog):
    monkeypatch.setenv("PYASYNQ_SHUTDOWN_TIMOUT", "30")

    reconfigure(app, None, {})

    assert caplog.messages == [
        "PYASYNQ_SHUTDOWN_TIMOUT is no setting; did you mean PYASYNQ_SHUTDOWN_TIMEOUT?"
    ]


def test_no_variable_of_ours_or_of_kubernetes_is_taken_for_a_misspelt_setting():
    commands = [each.command for each in (dev, metrics, scheduler, web, worker)]
    options = [option for command in commands for option in command.params]
    named = [option.envvar for option in options if option.envvar]
    ours = {name for each in named for name in ([each] if isinstance(each, str) else each)}
    services = ("PYASYNQ_", "PYASYNQ_WORKER_", "PYASYNQ_WEB_")
    theirs = {f"{each}{name}" for each in services for name in ("SERVICE_HOST", "PORT_80_TCP_ADDR")}

    assert len(ours) > 20
    assert list(misspelt(dict.fromkeys({*ours, *theirs, "PYASYNQ_REDIS_URL"}, "1"))) == []


@pytest.mark.slow
def test_each_process_of_a_worker_takes_settings_of_the_environment(redis_url, tmp_path):
    variables = {"PYASYNQ_SHUTDOWN_TIMEOUT": "1", "PYASYNQ_QUEUES": "mail=2"}

    done = run(tmp_path, variables, "--processes", "2", "--redis-url", redis_url, "-c", "8")

    told = [line.partition("SETTINGS ")[2] for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert told
    assert all(json.loads(each) == [1, 4, 8, {"mail": 2}] for each in told)


@pytest.mark.slow
def test_a_worker_with_a_wrong_variable_ends_at_once_with_exit_code_2(tmp_path):
    wrong = {"SHUTDOWN_TIMEOUT": "soon", "CONCURRENCY": "0", "QUEUES": "mail=high"}

    done = run(tmp_path, {f"PYASYNQ_{name}": text for name, text in wrong.items()})

    assert done.returncode == 2
    assert [f"PYASYNQ_{name}={text!r}: " in done.stderr for name, text in wrong.items()] == [
        True
    ] * 3


def run(folder, variables, *options):
    """Run a worker of the App until its end."""
    (folder / "shop.py").write_text(APP)
    return subprocess.run(
        [sys.executable, "-m", "pyasynq", "worker", "shop:app", *options],
        env={**os.environ, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
