"""Starts real Redis servers for tests."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest
import redis

from pyasynq.connection.embedded.server import find_binary
from tests.support.ports import free_port

START_TIMEOUT_S = 15.0
MAJOR_OF_CLUSTERS = 7  # the first that can be told its second port


@cache
def major_version(binary: str) -> int:
    """Return 7 for Redis 7.0.15."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.partition("v=")[2].partition(".")[0])


class RedisServer:
    """One server, on a unix socket and on a loopback port, with nothing kept on disk."""

    def __init__(self, *settings: str, binary: str = "") -> None:
        # A short path: a socket's may have 100 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="pyasynq-", dir="/tmp"))
        self.socket = str(self.folder / "redis.sock")
        self.settings = settings
        self.binary = binary or find_binary()
        if "--cluster-enabled" in settings and major_version(self.binary) < MAJOR_OF_CLUSTERS:
            pytest.skip("the tests make a cluster of Redis 7.0 or newer only")
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    @property
    def tcp_url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=self.socket, protocol=2)

    def start(self) -> None:
        arguments = [self.binary, "--port", str(self.port), "--bind", "127.0.0.1"]
        arguments += ["--unixsocket", self.socket, "--dir", str(self.folder), "--save", ""]
        arguments += ["--maxmemory-policy", "noeviction", *self.settings]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log)
        end = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.005)

    def kill(self) -> None:
        """Kill the server as a crash would; `start` starts it again on the same port."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: int) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, number)
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        client = self.client()
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()
