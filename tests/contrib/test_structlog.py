"""Lines of handlers, libraries and pyasynq itself through structlog."""

import asyncio
import json
import logging
import os
import subprocess
import sys

import pytest
import structlog

from pyasynq import App, Client, Task, retry
from pyasynq.contrib.structlog import configure, processors
from pyasynq.errors import ConfigError
from tests.support.eventually import eventually_async
from tests.support.structlog_handlers import mux as in_processes
from tests.support.workplace import QUICK

app = App("redis://nowhere.invalid", retry_delay=retry.fixed(1), **QUICK)
FIELDS = ("task_id", "task_type", "queue", "attempt", "max_retry")


@app.task(max_retry=1)
async def resize(name: str) -> None:
    structlog.get_logger("shop").info("opened", file=name)
    logging.getLogger("library").warning("slow %s", name, extra={"seconds": 2})


@app.task(max_retry=0)
def fail() -> None:
    raise ValueError("no such picture")


@app.task
def tell() -> None:
    structlog.get_logger().info("told")


@app.task
async def bind_on_loop(name: str) -> None:
    structlog.contextvars.bind_contextvars(**{name: "yes"})
    await asyncio.sleep(0)
    structlog.get_logger("shop").info("bound")


@app.task
def bind_in_thread(name: str) -> None:
    structlog.contextvars.bind_contextvars(**{name: "yes"})
    structlog.get_logger("shop").info("bound")


@pytest.fixture
def logged(monkeypatch, capfd):
    """Configure structlog; return the lines that are logged then, as objects."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)

    def start(**settings):
        configure(**{"renderer": "json", **settings})
        kept = []

        def lines():
            kept.extend(capfd.readouterr().err.splitlines())
            return [json.loads(line) if line.startswith("{") else line for line in kept]

        return lines

    yield start
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def run(task, *arguments):
    with app.testing() as harness:
        handle = task.enqueue(*arguments)
        harness.run_pending()
    return handle


def test_lines_of_structlog_and_of_logging_have_the_fields_of_the_task(logged):
    lines = logged()

    handle = run(resize, "cat.png")

    own, foreign = (each for each in lines() if each["logger"] in ("shop", "library"))
    about = {
        "task_id": handle.id,
        "task_type": "resize",
        "queue": "default",
        "attempt": 1,
        "max_retry": 1,
    }
    for line in (own, foreign):
        assert line.pop("timestamp").endswith("Z")
    assert own == {**about, "event": "opened", "file": "cat.png", "level": "info", "logger": "shop"}
    assert foreign == {
        **about,
        "event": "slow cat.png",
        "seconds": 2,
        "level": "warning",
        "logger": "library",
    }


def test_lines_of_pyasynq_have_their_fields_and_a_short_traceback(logged):
    lines = logged()

    handle = run(fail)

    (line,) = (each for each in lines() if each["logger"] == "pyasynq.task")
    assert (line["level"], line["task_id"], line["outcome"]) == ("error", handle.id, "archived")
    assert line["event"].startswith("fail[")
    head, frame, code, last = line["exception"].splitlines()
    assert (head, code.strip()) == (
        "Traceback (most recent call last):",
        'raise ValueError("no such picture")',
    )
    assert frame.endswith("in fail")
    assert last == "ValueError: no such picture"


@pytest.mark.parametrize("task", [bind_on_loop, bind_in_thread], ids=["loop", "threads"])
async def test_what_a_handler_binds_is_not_seen_by_the_next_one(logged, redis_url, task):
    lines = logged()
    app.reconfigure(redis_url, concurrency=1)

    async with app.server().running(app.mux):
        for name in ("first", "second", "third"):
            await task.aenqueue(name)
        await eventually_async(lambda: bound_by(lines()) is not None)
    await app.aclose()

    assert bound_by(lines()) == [["first"], ["second"], ["third"]]
    assert structlog.contextvars.get_contextvars() == {}


def bound_by(lines, event="bound"):
    """Return what each of three tasks has found bound; None before all have logged."""
    found = [each for each in lines if each["event"] == event]
    known = ("first", "second", "third")
    return [[name for name in known if name in each] for each in found] if len(found) == 3 else None


@pytest.mark.slow
async def test_a_process_of_handlers_logs_likewise_and_keeps_tasks_apart(logged, work, monkeypatch):
    monkeypatch.setenv("LOGS_WITH_STRUCTLOG", "yes")
    lines = logged()

    infos = [await work.enqueue("draw", name) for name in (b"first", b"second", b"third")]
    async with work.serving(in_processes, concurrency=1, process_pool_size=1):
        await eventually_async(lambda: bound_by(lines(), "draws") is not None)

    drawn = [each for each in lines() if each["event"] == "draws"]
    assert bound_by(drawn, "draws") == [["first"], ["second"], ["third"]]
    assert [each["task_id"] for each in drawn] == [each.id for each in infos]


def test_what_was_bound_outside_is_seen_in_every_line(logged):
    lines = logged()

    with structlog.contextvars.bound_contextvars(release="1.2"):
        logging.getLogger("library").warning("hello")

    assert lines()[-1]["release"] == "1.2"


def test_a_line_for_people(logged):
    lines = logged(renderer="console")

    handle = run(resize, "cat.png")

    (line,) = (each for each in lines() if "opened" in each)
    assert "[info     ] opened" in line
    assert f"task_id={handle.id}" in line
    assert "\x1b[" not in line


def test_without_a_terminal_lines_are_json(logged):
    lines = logged(renderer="auto")

    structlog.get_logger("shop").warning("odd", value=float("nan"), thing=object)

    assert lines()[-1]["value"] == "nan"


def test_the_level_counts_for_both(logged):
    lines = logged(level="error")

    structlog.get_logger("shop").warning("unseen")
    logging.getLogger("library").warning("unseen")
    structlog.get_logger("shop").error("seen")

    assert [each["event"] for each in lines()] == ["seen"]


def test_an_error_of_the_user_without_frames_is_told(logged):
    lines = logged()

    structlog.get_logger("shop").error("odd", exc_info=ValueError("never raised"))

    assert lines()[-1]["exception"] == "ValueError: never raised"


class Keeping(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        record.getMessage()
        self.records.append(record)


def test_other_handlers_of_logging_find_a_text_and_the_exception(logged):
    lines = logged()
    keeping = Keeping()
    logging.getLogger().addHandler(keeping)
    error = ValueError("odd")

    structlog.get_logger("shop").error("opened", name="cat.png", exc_info=error)

    (record,) = keeping.records
    assert record.getMessage() == "opened name='cat.png'"
    assert record.exc_info[1] is error
    assert lines()[-1]["name"] == "cat.png"


def test_processors_serve_a_configuration_of_ones_own(logged):
    lines = logged()
    structlog.configure(
        processors=[*processors(), structlog.processors.JSONRenderer()],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    logging.getLogger().handlers[:] = [logging.StreamHandler(sys.stderr)]

    handle = run(tell)

    assert [(each["event"], each["task_id"]) for each in lines()] == [("told", handle.id)]


PROGRAM = """
import os, signal
import structlog
from pyasynq import App
from pyasynq.contrib.structlog import configure

configure(renderer="json")
app = App()


@app.task
def end() -> None:
    structlog.get_logger("shop").info("ends")
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    app.run()
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", [["-m", "pyasynq", "worker", "program:app"], ["program.py"]])
def test_a_worker_logs_all_lines_in_one_form(redis_url, tmp_path, command):
    (tmp_path / "program.py").write_text(PROGRAM)
    with Client(redis_url) as client:
        info = client.enqueue(Task("end", b"{}"))

    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env={**os.environ, "PYASYNQ_REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        check=True,
    )

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {each["logger"] for each in lines} == {"shop", "pyasynq.server"}
    assert [each.get("task_id") for each in lines if each["event"] == "ends"] == [info.id]


def test_wrong_arguments_are_named_together():
    with pytest.raises(ConfigError) as caught:
        configure(renderer="xml", level="loud")

    assert str(caught.value) == (
        "renderer must be one of 'auto', 'console', 'json', not 'xml'; "
        "level must be the name of a level, such as 'INFO', not 'loud'"
    )
