"""How commands log: as the application has set up, else as their options say."""

import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyasynq.cli.logs import JsonLine, TextLine
from pyasynq.client import Client
from pyasynq.task import Task

OWN_SET_UP = """
logging.basicConfig(level=logging.DEBUG, format="MINE %(name)s %(message)s")
"""
OWN_HANDLER = """
handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("MINE %(name)s %(message)s"))
logging.getLogger().addHandler(handler)
logging.getLogger().setLevel("INFO")
"""
APP = """
import logging, os, signal
from pyasynq import App
SET_UP
app = App(task_check_interval=0.05)

@app.task(max_retry=0)
def hello(fails: bool) -> None:
    logging.getLogger("shop").info("from the task")
    os.kill(os.getppid() if FLEET else os.getpid(), signal.SIGTERM)
    if fails:
        raise ValueError("on purpose")
"""


def logged(
    folder: Path, url: str, *options: str, set_up: str = "", fails: bool = False, **variables: str
) -> list[str]:
    """Return what a worker logs that runs one task and stops."""
    is_fleet = "--processes" in options
    text = APP.replace("SET_UP", set_up).replace("FLEET", str(is_fleet))
    (folder / "shop.py").write_text(text)
    with Client(url) as client:
        client.enqueue(Task("hello", json.dumps({"fails": fails}).encode()), max_retry=0)
    worker = subprocess.run(
        [sys.executable, "-m", "pyasynq", "worker", "shop:app", *options],
        cwd=folder,
        env={**os.environ, "PYASYNQ_REDIS_URL": url, **variables},
        stderr=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    return worker.stderr.decode().splitlines()


@pytest.mark.parametrize("set_up", [OWN_SET_UP, OWN_HANDLER], ids=["basicConfig", "a handler"])
def test_what_the_application_has_set_up_counts_and_no_line_comes_twice(
    tmp_path, redis_url, set_up
):
    lines = logged(tmp_path, redis_url, set_up=set_up)

    assert lines.count("MINE shop from the task") == 1
    assert all(line.startswith("MINE ") for line in lines)


def test_what_the_application_has_set_up_counts_in_each_of_several_processes(tmp_path, redis_url):
    lines = logged(tmp_path, redis_url, "--processes", "2", set_up=OWN_SET_UP)

    assert len([line for line in lines if line.endswith("MINE shop from the task")]) == 1


def test_an_option_of_the_command_line_replaces_what_the_application_has_set_up(
    tmp_path, redis_url
):
    lines = logged(tmp_path, redis_url, "--log-level", "INFO", set_up=OWN_SET_UP)

    assert not [line for line in lines if "MINE" in line]
    assert len([line for line in lines if line.endswith("INFO    shop: from the task")]) == 1


def test_without_a_set_up_of_the_application_lines_have_time_level_and_logger(tmp_path, redis_url):
    lines = logged(tmp_path, redis_url, PYASYNQ_LOG_LEVEL="INFO", PYASYNQ_LOG_FORMAT="Text")

    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ +\S+: ", x) for x in lines)


def test_quiet_logs_failures_only(tmp_path, redis_url):
    lines = logged(tmp_path, redis_url, "--quiet", fails=True)

    assert "failed, attempt 1 of 1, archived: ValueError: on purpose [shop.py:" in lines[0]
    assert lines[1] == "Traceback (most recent call last):"


def test_each_line_of_json_has_the_fields_of_the_task(tmp_path, redis_url):
    lines = [
        json.loads(line) for line in logged(tmp_path, redis_url, "--log-format=json", fails=True)
    ]

    (failure,) = [line for line in lines if line["logger"] == "pyasynq.task"]
    assert (failure["level"], failure["task_type"], failure["outcome"]) == (
        "error",
        "hello",
        "archived",
    )
    assert failure["traceback"].endswith("ValueError: on purpose")


def test_options_that_contradict_each_other_are_refused(tmp_path):
    refused = subprocess.run(
        [sys.executable, "-m", "pyasynq", "worker", "shop:app", "--quiet", "--verbose"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert refused.returncode == 2
    assert b"contradict each other" in refused.stderr


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def a_record(level: int) -> logging.LogRecord:
    return logging.LogRecord("shop", level, __file__, 1, "text", (), None)


@pytest.fixture
def terminal(monkeypatch) -> Terminal:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_on_a_terminal_warnings_and_errors_have_a_colour(terminal):
    line = TextLine(terminal)

    assert line.format(a_record(logging.ERROR)).startswith("\x1b[31m")
    assert "\x1b" not in line.format(a_record(logging.INFO))


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_whoever_wants_no_colours_gets_none(terminal, monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    assert "\x1b" not in TextLine(terminal).format(a_record(logging.ERROR))


def test_an_error_without_frames_is_told_once_by_the_line():
    record = a_record(logging.ERROR)
    error = TimeoutError("its time was up")
    record.exc_info, record.exc_text = (TimeoutError, error, None), "TimeoutError: its time was up"

    assert "TimeoutError" not in TextLine().format(record)
    assert json.loads(JsonLine().format(record))["traceback"] == "TimeoutError: its time was up"


def test_a_file_gets_no_colours():
    assert "\x1b" not in TextLine(io.StringIO()).format(a_record(logging.ERROR))


def test_a_field_that_json_does_not_know_is_written_as_text():
    record = a_record(logging.INFO)
    record.signal = signal.SIGTERM.__class__

    assert json.loads(JsonLine().format(record))["signal"] == "<enum 'Signals'>"
