"""A Go Asynq peer, built once for all test processes."""

import fcntl
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.redis_server import RedisServer

SOURCE = Path(__file__).parent / "go"


class Peer:
    """Runs the Go program on the Redis of a test."""

    def __init__(self, binary: Path, server: RedisServer) -> None:
        self._command = [str(binary), f"127.0.0.1:{server.port}"]
        self._started: list[subprocess.Popen[str]] = []

    def run(self, *arguments: object) -> list[dict[str, Any]]:
        """Run a command to its end; return what it said."""
        done = subprocess.run(
            [*self._command, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def serve(self, queue: str, count: int) -> subprocess.Popen[str]:
        """Start a Go worker; return when it is ready."""
        process = subprocess.Popen(
            [*self._command, "serve", queue, str(count)], stdout=subprocess.PIPE, text=True
        )
        self._started.append(process)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"ready": True}
        return process

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture(scope="session")
def peer_binary(tmp_path_factory) -> Path:
    folder = tmp_path_factory.getbasetemp().parent
    binary = folder / "pyasynq-go-peer"
    with (folder / "pyasynq-go-peer.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            subprocess.run(["go", "build", "-o", str(binary), "."], cwd=SOURCE, check=True)
    return binary


@pytest.fixture
def peer(peer_binary, redis_server, redis_url) -> Iterator[Peer]:
    peer = Peer(peer_binary, redis_server)
    yield peer
    peer.close()
