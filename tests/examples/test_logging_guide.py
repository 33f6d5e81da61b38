"""The guide to the log: its code is run as it stands there, and what it logs is what it says."""

import json
import logging
import logging.config
import re
import sys
from pathlib import Path

import pytest
import structlog

import pyasynq
from pyasynq import App

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "logging.md"
BASIC, CONFIGURED, READY, BOUND, STRUCTURED = re.findall(
    r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL
)

app = App("redis://nowhere.invalid")


@app.task
def resize(name: str) -> None:
    logging.getLogger("shop.images").info("opened %s", name)


@app.task
def describe(name: str) -> None:
    structlog.get_logger().info("opened", name=name)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run code of the guide, then a line outside of tasks and a task; return what is logged."""

    def run(code: str, task, app=app) -> list[str]:
        root = logging.getLogger()
        monkeypatch.setattr(root, "handlers", [])
        monkeypatch.setattr(root, "level", root.level)
        exec(code, {"logging": logging, "pyasynq": pyasynq, "structlog": structlog})
        monkeypatch.setattr(logging.getLogger("pyasynq"), "level", logging.ERROR)
        logging.getLogger("shop").info("starting")
        with app.testing() as harness:
            run.id = task.enqueue("cat.png").id
            harness.run_pending()
        return [line for stream in capsys.readouterr() for line in stream.splitlines()]

    return run


def test_a_format_of_logging(run):
    lines = run(BASIC, resize)

    assert lines == ["INFO starting task=-", f"INFO opened cat.png task={run.id}"]


def test_a_filter_in_a_configuration(run):
    lines = run(CONFIGURED, resize)

    assert lines == ["INFO starting attempt=-", "INFO opened cat.png attempt=1"]


def test_structlog_ready_to_use(run):
    own = App("redis://nowhere.invalid")
    names = {"app": own, "structlog": structlog, "log": structlog.get_logger("shop")}
    exec(BOUND, names)
    try:
        *_lines, line = run(READY, names["resize"], own)
    finally:
        structlog.reset_defaults()

    shown = json.loads(re.search(r'^    (\{"width".*)$', PAGE.read_text(), re.MULTILINE)[1])
    told = json.loads(line)
    changing = {"timestamp": told["timestamp"], "task_id": run.id}
    assert told == {**shown, **changing}


def test_a_processor_of_structlog(run):
    try:
        *_lines, line = run(STRUCTURED, describe)
    finally:
        structlog.reset_defaults()

    assert json.loads(line) == {
        "event": "opened",
        "level": "info",
        "name": "cat.png",
        "task_id": run.id,
        "task_type": "describe",
        "queue": "default",
        "attempt": 1,
        "max_retry": 25,
    }


def test_the_fields_are_those_of_the_page():
    rows = re.findall(r"^\| (`.*?) \|", PAGE.read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert {*sys.modules[pyasynq.TaskFields.__module__].FIELDS, "group"} <= named
