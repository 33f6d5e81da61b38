"""Starts twemproxy (nutcracker) in front of two real Redis servers."""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.support.ports import free_port
from tests.support.redis_server import START_TIMEOUT_S, RedisServer

CONFIG = """\
tasks:
  listen: 127.0.0.1:{port}
  redis: true
  hash: fnv1a_64
  distribution: ketama
  auto_eject_hosts: false
{hash_tag}  servers:
{servers}
"""


class Twemproxy:
    """A proxy that divides the keys among two servers by their hash tags.

    Args:
        hash_tag: what encloses the part of a key that counts; "" for the whole key.
    """

    def __init__(self, *, hash_tag: str = "{}") -> None:
        self.servers = [RedisServer(), RedisServer()]
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="pyasynq-", dir="/tmp"))
        config = self._folder / "nutcracker.yml"
        config.write_text(
            CONFIG.format(
                port=self.port,
                hash_tag=f'  hash_tag: "{hash_tag}"\n' if hash_tag else "",
                servers="\n".join(
                    f"   - 127.0.0.1:{each.port}:1 s{i}" for i, each in enumerate(self.servers)
                ),
            )
        )
        statistics = "-a", "127.0.0.1", "-s", str(free_port())
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["nutcracker", "-c", str(config), *statistics], stdout=log, stderr=log
            )
        self._wait()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def flush(self) -> None:
        """Empty both servers."""
        for server in self.servers:
            with server.client() as client:
                client.flushall()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        for server in self.servers:
            server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self) -> None:
        end = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.005)
            else:
                return
