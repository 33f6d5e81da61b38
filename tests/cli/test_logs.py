"""How commands log: as the application has set up, else as their options say."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pyasynq.cli.logs import LogSettings, set_up, show_lines_at_once
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
    assert len([line for line in lines if " INFO    shop: from the task [" in line]) == 1


def test_without_a_set_up_of_the_application_lines_have_time_level_and_logger(tmp_path, redis_url):
    lines = logged(tmp_path, redis_url, PYASYNQ_LOG_LEVEL="INFO", PYASYNQ_LOG_FORMAT="Text")

    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ +\S+: ", x) for x in lines)
    assert [
        x for x in lines if re.search(r" shop: from the task \[hello\[\w{8}\], attempt 1\]$", x)
    ]


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
    (own,) = [line for line in lines if line["logger"] == "shop"]
    names = ("task_id", "task_type", "queue", "attempt", "max_retry")
    assert [own[name] for name in names] == [failure[name] for name in names]


def test_what_an_application_prints_is_not_held_back(tmp_path, monkeypatch):
    output = tmp_path / "output"
    with output.open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        show_lines_at_once()
        print("from the task")

        assert output.read_text() == "from the task\n"


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


def test_colours_are_for_terminals_whose_user_wants_them(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def is_coloured(stream: io.StringIO) -> bool:
        handler = logging.StreamHandler(stream)
        root = logging.getLogger()
        monkeypatch.setattr(root, "handlers", [])
        monkeypatch.setattr(root, "level", root.level)
        set_up(LogSettings(), handler)
        return handler.formatter.is_coloured

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    assert is_coloured(Terminal())
    assert not is_coloured(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not is_coloured(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not is_coloured(Terminal())
