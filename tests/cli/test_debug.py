"""``--debug`` and PYASYNQ_DEBUG: tracebacks of every error, with the frames of pyasynq."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyasynq.client import Client
from pyasynq.task import Task
from pyasynq.wire.traceback_text import traceback_text
from tests.support.eventually import eventually

APP = """
from pyasynq import App
app = App(task_check_interval=0.05)

@app.task(max_retry=0, executor=EXECUTOR)
def fail() -> None:
    raise ValueError("on purpose")
"""
COMMANDS = {
    "worker": ["worker"],
    "processes": ["worker", "--processes", "2"],
    "dev": ["dev", "--no-reload", "--no-ui"],
}


def files_of_a_failure(
    folder: Path, url: str, *command: str, executor: str | None = None, **environment: str
) -> list[str]:
    """Return the files that the log names after a task has failed."""
    (folder / "shop.py").write_text(APP.replace("EXECUTOR", repr(executor)))
    with Client(url) as client:
        client.enqueue(Task("fail", b"{}"), max_retry=0)
    log = folder / "log"
    with (
        log.open("wb") as lines,
        subprocess.Popen(
            [sys.executable, "-m", "pyasynq", *command, "shop:app", "--redis-url", url],
            cwd=folder,
            env={**os.environ, **environment},
            stderr=lines,
        ) as worker,
    ):
        eventually(lambda: "archived: ValueError: on purpose" in log.read_text())
        worker.send_signal(signal.SIGTERM)
    return re.findall(r'File "([^"]+)"', log.read_text())


def of_pyasynq(files: list[str]) -> list[str]:
    return [file for file in files if "/pyasynq/" in file]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("executor", [None, "process"])
def test_with_debug_frames_of_pyasynq_stay_in_the_traceback_of_a_task(
    tmp_path, redis_url, command, executor
):
    files = files_of_a_failure(tmp_path, redis_url, *command, "--debug", executor=executor)

    assert of_pyasynq(files)


@pytest.mark.slow
def test_without_debug_they_are_left_out(tmp_path, redis_url):
    files = files_of_a_failure(tmp_path, redis_url, "worker", PYASYNQ_DEBUG="0")

    assert files == [str(tmp_path / "shop.py")]


@pytest.mark.slow
def test_the_environment_can_ask_for_debug(tmp_path, redis_url):
    files = files_of_a_failure(tmp_path, redis_url, "worker", PYASYNQ_DEBUG="1")

    assert of_pyasynq(files)


@pytest.mark.parametrize(
    ("value", "is_debug"),
    [("1", True), ("true", True), ("", False), ("0", False), ("False", False)],
)
def test_a_library_follows_the_environment(monkeypatch, value, is_debug):
    monkeypatch.setenv("PYASYNQ_DEBUG", value)
    code = compile("def call(f): f()", traceback_text.__code__.co_filename, "exec")
    names: dict = {}
    exec(code, names)

    with pytest.raises(ZeroDivisionError) as caught:
        names["call"](lambda: 1 / 0)

    assert ("traceback_text.py" in traceback_text(caught.value)) == is_debug


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "pyasynq", *arguments],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--debug", "worker", "shop:app", "-c", "0"],
        ["worker", "shop:app", "-c", "0", "--debug"],
        ["worker", "shop:app", "-c", "0", "--processes", "2", "--debug"],
    ],
)
def test_an_error_of_a_command_has_a_traceback_with_debug_and_the_same_exit_code(
    tmp_path, arguments
):
    (tmp_path / "shop.py").write_text(APP.replace("EXECUTOR", "None"))

    told = run(tmp_path, *arguments)

    assert "Traceback (most recent call last):\n" in told.stderr
    assert "\nError: concurrency must be a whole number" in told.stderr
    assert told.returncode == 2


def test_an_error_of_a_command_has_no_traceback_otherwise(tmp_path):
    (tmp_path / "shop.py").write_text(APP.replace("EXECUTOR", "None"))

    told = run(tmp_path, "worker", "shop:app", "-c", "0")

    assert told.stderr == "Error: concurrency must be a whole number from 1 to 100000, not 0\n"


def test_an_exception_of_the_application_at_import_shows_its_own_frames_only(tmp_path):
    (tmp_path / "shop.py").write_text("import prices\n")
    (tmp_path / "prices.py").write_text("total = 1 / 0\n")

    told = run(tmp_path, "worker", "shop:app")

    files = re.findall(r'File "([^"]+)"', told.stderr)
    assert files[:2] == [str(tmp_path / "shop.py"), str(tmp_path / "prices.py")]
    assert not of_pyasynq(files)
    assert told.returncode == 1
