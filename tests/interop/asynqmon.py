"""Runs the real asynqmon, the web UI of Go Asynq."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support.eventually import eventually
from tests.support.ports import free_port

VERSION = "v0.7.2"
MODULE = "github.com/hibiken/asynqmon"


def installed(folder: Path) -> Path:
    """Return the program of the version that our contract names, built once for all processes."""
    for known in (shutil.which("asynqmon"), _output("go", "env", "GOPATH") + "/bin/asynqmon"):
        if known and Path(known).exists() and _is_of_version(known):
            return Path(known)
    binary = folder / f"asynqmon-{VERSION}"
    with (folder / "asynqmon.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            fresh = folder / "asynqmon-new"
            built = subprocess.run(
                ["go", "install", f"{MODULE}/cmd/asynqmon@{VERSION}"],
                env={**os.environ, "GOBIN": str(fresh)},
                check=False,
            )
            if built.returncode:
                pytest.skip(
                    f"{MODULE} cannot be fetched or built; is the module proxy out of reach?"
                )
            (fresh / "asynqmon").rename(binary)
    return binary


def _is_of_version(binary: str) -> bool:
    described = _output("go", "version", "-m", binary)
    return any(line.split()[1:3] == [MODULE, VERSION] for line in described.splitlines()[1:])


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


class Asynqmon:
    """An asynqmon that runs on one Redis."""

    def __init__(self, binary: Path, redis_address: str) -> None:
        port = free_port()
        command = [str(binary), "--port", str(port), "--redis-addr", redis_address]
        command.append("--enable-metrics-exporter")
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}")
        try:
            eventually(self._answers)
        except BaseException:
            self.stop()
            raise

    def ask(self, method: str, path: str, **given: object) -> httpx.Response:
        return self._client.request(method, path, **given)

    def stop(self) -> None:
        self._client.close()
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            self._client.get("/api/queues")  # whatever is in Redis
        except httpx.TransportError:
            return False
        return True
