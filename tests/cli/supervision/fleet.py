"""A running ``pyasynq worker --processes``; its handlers push what they do to lists in Redis."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import redis

from pyasynq.wire.records import decode_server
from tests.support.eventually import eventually

APP = """
import os, subprocess, sys, time
import redis
from pyasynq import App, ServerConfig, TaskContext

notes = redis.Redis(unix_socket_path=os.environ["TEST_REDIS"])
app = App(
    task_check_interval=0.05, heartbeat_interval=0.2, lease_duration=1, recover_interval=0.2,
    **SETTINGS,
)

@app.task
def work(ctx: TaskContext) -> None:
    time.sleep(0.02)
    notes.rpush("worked", ctx.task_id)

@app.task
def hold(ctx: TaskContext) -> None:
    notes.rpush("held", os.getpid())
    notes.blpop("go")
    print("let go")
    notes.rpush("worked", ctx.task_id)

@app.task
async def block_the_loop() -> None:
    notes.rpush("held", os.getpid())
    time.sleep(600)

@app.task
def leave_an_orphan() -> None:
    orphan = "import time; time.sleep(600)"
    command = f"{sys.executable} -c '{orphan}' orphan & echo $!"
    subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.DEVNULL, start_new_session=True)
    notes.rpush("held", os.getpid())

def _start_a_child():
    child = subprocess.Popen(["sleep", "600"])
    notes.rpush("children", child.pid)
    return child

@app.task
def start_a_child() -> None:
    child = _start_a_child()
    notes.rpush("held", os.getpid())
    child.wait()

@app.task(executor="process")
def start_a_child_in_a_process() -> None:
    child = _start_a_child()
    notes.rpush("held", os.getppid())
    child.wait()

@app.task
def leave_a_child() -> None:
    _start_a_child().returncode = 0
    notes.rpush("held", os.getpid())

@app.task
def write(letter: str) -> None:
    for _ in range(20):
        os.write(1, letter.encode() * 1000)
        os.write(1, letter.encode() * 1000 + b"\\n")
    print('{"event": "written"}')
"""


class Fleet:
    """Two processes and their supervisor, in a folder of their own."""

    def __init__(self, folder: Path, url: str, client: redis.Redis) -> None:
        self.folder = folder
        self.redis = client
        self._url = url
        self._starter: subprocess.Popen[bytes] | None = None
        self._seen: set[int] = set()

    def write_app(self, text: str = APP, **settings: object) -> None:
        (self.folder / "shop.py").write_text(text.replace("SETTINGS", repr(settings)))

    def start(self, *arguments: str, processes: int = 2, through: tuple[str, ...] = ()) -> None:
        """Start it, perhaps *through* another program."""
        if not (self.folder / "shop.py").exists():
            self.write_app()
        path = self._url.removeprefix("unix://").partition("?")[0]
        command = [sys.executable, "-m", "pyasynq", "worker", "shop:app"]
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            self._starter = subprocess.Popen(
                [*through, *command, "--processes", str(processes), *arguments],
                cwd=self.folder,
                env={**os.environ, "PYASYNQ_REDIS_URL": self._url, "TEST_REDIS": path},
                stdout=out,
                stderr=err,
            )

    @property
    def pid(self) -> int:
        assert self._starter is not None
        return self._starter.pid

    def logged(self) -> str:
        return (self.folder / "err").read_text()

    def printed(self) -> str:
        return (self.folder / "out").read_text()

    def server_pids(self) -> list[int]:
        """The processes that have presence keys."""
        return sorted(int(key.split(b":")[-2]) for key in self.redis.zrange("asynq:servers", 0, -1))

    def states(self) -> dict[int, str]:
        """The status that each server shows, by process."""
        keys = [key.decode() for key in self.redis.zrange("asynq:servers", 0, -1)]
        found = [self.redis.get(key) for key in keys]
        records = [decode_server(data) for data in found if data is not None]
        return {record.pid: record.status for record in records}

    def wait_until_all_serve(self, processes: int = 2) -> list[int]:
        eventually(lambda: self.logged().count(" serves default=1") >= processes, within_s=60)
        eventually(lambda: len(self.server_pids()) >= processes)
        self._seen.update(self.server_pids())
        return self.server_pids()

    def wait_for_held(self, number: int = 1) -> list[int]:
        """Wait until that many handlers hold; return the processes that they are in."""
        eventually(lambda: self.redis.llen("held") >= number, within_s=60)
        return [int(pid) for pid in self.redis.lrange("held", 0, -1)]

    def let_go(self) -> None:
        self.redis.rpush("go", "go")

    def worked(self) -> list[str]:
        return [task_id.decode() for task_id in self.redis.lrange("worked", 0, -1)]

    def pending(self) -> list[str]:
        found = self.redis.lrange("asynq:{default}:pending", 0, -1)
        return [task_id.decode() for task_id in found]

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        assert self._starter is not None
        return self._starter.wait(60)

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()

    def end(self) -> None:
        """Stop it, and kill whatever does not stop."""
        if self._starter is not None and self._starter.poll() is None:
            self._starter.terminate()
            try:
                self._starter.wait(30)
            except subprocess.TimeoutExpired:
                self._starter.kill()
                self._starter.wait()
        for pid in filter(self._is_ours, self._seen):  # a test has failed
            os.killpg(pid, signal.SIGKILL)

    def _is_ours(self, pid: int) -> bool:
        """Whether the process lives and is one of these; another process may have its ID by now."""
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == self.folder
        except OSError:
            return False


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # before it was opened, or read
        return False


def children_of(pid: int) -> list[int]:
    """The children of a process, zombies included."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
