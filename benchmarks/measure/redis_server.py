"""A Redis that one benchmark has for itself, and its figures."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from benchmarks.measure.program import LIMIT_S, ProgramFailedError
from pyasynq.connection.embedded.server import find_binary
from pyasynq.connection.embedded.supervisor import free_port

START_TIMEOUT_S = 15.0
LOOKS = ("info", "config", "monitor", "client")
SETTINGS = ("--bind", "127.0.0.1", "--save", "")


def server_version() -> str:
    """Return the version of the server that is started."""
    output = subprocess.run(
        [find_binary(), "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"v=(\S+)", output)
    return found[1] if found else output.strip()


class BenchmarkRedis:
    """A server without persistence on a loopback port, for the time of a `with`.

    Attributes:
        address: host and port.
        client: a blocking client of it.
        scripts: digests of those that were loaded into it.
    """

    def __init__(self) -> None:
        self._port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="pyasynq-benchmark-"))
        self.address = f"127.0.0.1:{self._port}"
        self.client = redis.Redis(port=self._port)
        self.scripts = set[str]()

    @property
    def url(self) -> str:
        """What pyasynq connects to."""
        return f"redis://{self.address}/0"

    def cpu_s(self) -> float:
        """Return the CPU seconds that the server has used so far."""
        found = self._info("cpu")
        return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])

    def reads(self) -> int:
        """Return how often the server has read from a client: about the round trips."""
        return int(self._info("stats")["total_reads_processed"])

    def connections(self) -> int:
        """Return how many clients are connected, this one left out."""
        return int(self._info("clients")["connected_clients"]) - 1

    def processed(self, queues: Iterable[str]) -> int:
        """Return how many tasks of *queues* were processed, by Asynq's counters."""
        counters = self.client.mget(f"asynq:{{{queue}}}:processed" for queue in queues)
        return sum(int(counter or 0) for counter in counters)

    def commands(self) -> dict[str, tuple[int, float]]:
        """Return for each command how often it was called, and its CPU seconds in all.

        What a script calls is counted as part of the script, and by itself, too.
        """
        return {
            name.removeprefix("cmdstat_"): (stats["calls"], stats["usec"] / 1e6)
            for name, stats in self._info("commandstats").items()
        }

    def executed(self) -> int:
        """Return how many commands ran, those that scripts call included, these looks not."""
        return sum(
            calls for name, (calls, _) in self.commands().items() if not name.startswith(LOOKS)
        )

    def clear(self) -> None:
        """Delete everything and start counting anew."""
        self.client.flushall()
        self.client.config_resetstat()

    def wait_until_processed(self, tasks: int) -> None:
        """Wait until *tasks* were processed in the default queue, by Asynq's counter."""
        end = time.monotonic() + LIMIT_S
        while self.processed(["default"]) < tasks:
            if time.monotonic() > end:
                raise ProgramFailedError(f"not {tasks} tasks within {LIMIT_S:g} s")
            time.sleep(0.02)

    def watch_slow_commands(self, longer_than_us: int) -> None:
        """Forget the slow commands seen so far, and remember those that come."""
        self.client.config_set("slowlog-log-slower-than", longer_than_us)
        self.client.slowlog_reset()

    def slowest_ms(self) -> float:
        """Return how long the slowest command took; 0 if none was slow enough to be noticed."""
        found: list[dict[str, Any]] = self.client.slowlog_get(128)
        return max((each["duration"] for each in found), default=0) / 1e3

    def __enter__(self) -> Self:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [find_binary(), "--port", str(self._port), "--dir", str(self._folder), *SETTINGS],
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if time.monotonic() > end:
                raise RuntimeError((self._folder / "log").read_text())
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _info(self, section: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.info(section)
        return found

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False
