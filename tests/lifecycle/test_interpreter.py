"""Fresh interpreters in a directory whose files are named like modules of the standard library."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from pyasynq.client import Client
from pyasynq.lifecycle.interpreter import exit_text
from pyasynq.task import Task
from tests.support.eventually import eventually

SHADOWS = sorted(
    # What every interpreter loads before it reads our paths cannot be shadowed. The SDK of
    # OpenTelemetry, which redis-py loads where it is installed, asks for winreg on any system.
    sys.stdlib_module_names
    - set(sys.builtin_module_names)
    - {"__future__", "antigravity", "this", "winreg"}
)
SHADOW = """
from pathlib import Path
with Path(__file__).with_name("shadows.txt").open("a") as found:
    found.write(__name__ + chr(10))
raise ImportError("not the standard library's " + __name__)
"""
APP = """
from neighbour import GREETING
from pyasynq import App, Client, Task, TaskContext

app = App(task_check_interval=0.05)

@app.task
async def on_the_loop(ctx: TaskContext) -> bytes:
    return GREETING

@app.task
def in_a_thread(ctx: TaskContext) -> bytes:
    return GREETING

@app.task(executor="process")
def in_a_process(ctx: TaskContext) -> bytes:
    ctx.write_result(b"begun")
    return GREETING

@app.task(executor="process")
async def on_a_loop_in_a_process(ctx: TaskContext) -> bytes:
    await ctx.awrite_result(b"begun")
    return GREETING

@app.task(executor="process")
def enqueue_in_a_process(ctx: TaskContext) -> bytes:
    with Client() as client:
        client.enqueue(Task("on_the_loop", b"{}"))
    return GREETING

@app.task(executor="process")
def fail_in_a_process(ctx: TaskContext) -> None:
    raise ValueError("on purpose")
"""
TYPES = (
    "on_the_loop",
    "in_a_thread",
    "in_a_process",
    "on_a_loop_in_a_process",
    "enqueue_in_a_process",
)
EMBEDDED = """
import sys
from pyasynq.connection.connector import Connector
connector = Connector.of("embedded:")
print(connector.open_sync().ping())
connector.close()
"""


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-9, "ended by signal 9 (SIGKILL)"),
        (-100, "ended by signal 100 (unknown)"),
    ],
)
def test_an_exit_is_described_by_its_code_or_its_signal(code: int, text: str) -> None:
    assert exit_text(code) == text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory of an application, full of files that must not be taken for others."""
    for name in SHADOWS:
        (tmp_path / f"{name}.py").write_text(SHADOW)
    (tmp_path / "neighbour.py").write_text('GREETING = b"hello from a neighbour"\n')
    (tmp_path / "shop.py").write_text(APP)
    return tmp_path


def shadows_in(folder: Path) -> list[str]:
    """Return which files were taken for modules of the standard library."""
    found = folder / "shadows.txt"
    return sorted(set(found.read_text().split())) if found.exists() else []


class Worker:
    """``pyasynq worker`` in a directory, started as a user does it: by the installed command."""

    def __init__(self, folder: Path, url: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("pyasynq")), "worker", "shop:app", *arguments],
            cwd=folder,
            env={
                **os.environ,
                "PYASYNQ_REDIS_URL": url,
                "PYASYNQ_OF_NOBODY": "compared with the settings",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


@pytest.fixture(params=[(), ("--processes", "2")], ids=["alone", "supervised"])
def worker(request, folder: Path, redis_url: str) -> Iterator[Worker]:
    worker = Worker(folder, redis_url, *request.param)
    yield worker
    worker.stop()


@pytest.mark.slow
def test_files_beside_the_application_do_not_replace_the_standard_library(
    worker: Worker, folder: Path, redis_url: str, redis_client: redis.Redis
) -> None:
    with Client(redis_url) as client:
        infos = [client.enqueue(Task(each, b"{}"), retention=60) for each in TYPES]
        failing = client.enqueue(Task("fail_in_a_process", b"{}"), max_retry=0)

    eventually(lambda: redis_client.zcard("asynq:{default}:completed") == len(infos), within_s=15)
    eventually(lambda: redis_client.zcard("asynq:{default}:archived") == 1, within_s=15)

    results = [redis_client.hget(f"asynq:{{default}}:t:{info.id}", "result") for info in infos]
    assert results == [b"hello from a neighbour"] * len(infos)
    message = redis_client.hget(f"asynq:{{default}}:t:{failing.id}", "msg")
    assert b"ValueError: on purpose [shop.py:" in message
    assert worker.stop() == 0
    assert shadows_in(folder) == []


@pytest.mark.slow
def test_files_in_the_current_directory_do_not_disturb_an_embedded_redis(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", EMBEDDED],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
    )

    assert (done.stdout.strip(), done.stderr) == ("True", "")
    assert shadows_in(folder) == []
