"""What the probes of a worker process say, moment by moment."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple, Self

import httpx

from tests.support.eventually import eventually
from tests.support.ports import free_port

EVERY_S = 0.02
GONE = 0  # nobody listens

APP = """
import asyncio, os, threading, time
from pyasynq import App

app = App(heartbeat_interval=1, lease_duration=30, cancel_grace=1, shutdown_timeout=30)

@app.lifespan
async def slowly():
    while not os.path.exists("go"):
        await asyncio.sleep(0.01)
    yield

@app.task
async def wait() -> None:
    open("waits", "w").close()
    while not os.path.exists("end"):
        await asyncio.sleep(0.01)

@app.task
async def block(seconds: float) -> None:
    time.sleep(seconds)

@app.task
def stick() -> None:
    while not os.path.exists("loose"):
        time.sleep(0.01)
"""


class State(NamedTuple):
    """What both probes answer: the codes, and why the worker is not ready."""

    healthz: int
    readyz: int
    reason: str


class HealthWatch:
    """A worker process, and the states that its port has told since it was started.

    Attributes:
        states: (seconds since the start, state) of each change.
    """

    def __init__(self, folder: Path, redis_url: str, *arguments: str) -> None:
        self.folder = folder
        self.states: list[tuple[float, State]] = []
        self.began = time.monotonic()
        (folder / "shop.py").write_text(APP)
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self._log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pyasynq", "worker", "shop:app", *arguments],
            cwd=folder,
            env={**os.environ, "PYASYNQ_REDIS_URL": redis_url, "PYASYNQ_HTTP": self.address},
            stderr=self._log,
        )
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()
        self.process.kill()
        self.process.wait()
        self._log.close()

    @property
    def now(self) -> State:
        return self.states[-1][1] if self.states else State(GONE, GONE, "")

    def touch(self, name: str) -> None:
        (self.folder / name).touch()

    def until(self, healthz: int, readyz: int, reason: str = "") -> float:
        """Wait for a state; return how long that took."""
        began = time.monotonic()
        eventually(
            lambda: self.now[:2] == (healthz, readyz) and reason in self.now.reason, within_s=60
        )
        return time.monotonic() - began

    def codes_since(self, number: int) -> list[int]:
        """Return what `/healthz` said from one state on."""
        return [state.healthz for _at, state in self.states[number:]]

    def table(self) -> str:
        """Return a line for each change."""
        return "\n".join(
            f"{at:7.2f} s  healthz {state.healthz or '-':>3}  readyz {state.readyz or '-':>3}  "
            f"{state.reason}"
            for at, state in self.states
        )

    def _watch(self) -> None:
        with httpx.Client(timeout=5) as client:
            while not self._is_over.wait(EVERY_S):
                alive, _ = self._asked(client, "healthz")
                ready, reason = self._asked(client, "readyz")
                state = State(alive, ready, reason)
                if alive and ready and state != self.now:
                    self.states.append((time.monotonic() - self.began, state))

    def _asked(self, client: httpx.Client, path: str) -> tuple[int, str]:
        try:
            answer = client.get(f"http://{self.address}/{path}")
        except httpx.TransportError:
            return GONE, ""
        return answer.status_code, json.loads(answer.text).get("reason", "")
