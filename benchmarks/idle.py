"""What does an idle worker cost: commands a second, processor time, connections?

Each case is a real `pyasynq worker` with a Redis of its own that is empty, or holds what the name
of the case says; all cases run at the same time. "sent" are the commands that the worker sends;
"executed" are also those that its scripts call, as `INFO commandstats` counts. The goal is below 3
commands sent a second, and below 1 % of a processor.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO

import redis

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.program import Figures
from benchmarks.measure.record import save, table
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.rounds import Series
from pyasynq import Client, Task

SECONDS = 30.0
SETTLE_S = 12.0  # until the start is over: the first recovery, every script known
START_TIMEOUT_S = 30.0

# The signal makes the worker tell the processor time that it has used, user and system.
APP = """
import os
import signal

from pyasynq import App

app = App(queues={queues!r})


@app.task
async def greet(name: str) -> None:
    pass

{more}

def tell(*_):
    used = os.times()
    os.write(1, f"{{used.user + used.system}}\\n".encode())


signal.signal(signal.SIGUSR1, tell)
"""
AGGREGATOR = """
@app.aggregator("*")
async def join(group, tasks):
    return tasks[0]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One worker to measure.

    Attributes:
        name: as shown.
        queues: those of its App.
        more: text of its App besides queues and a task.
        prepare: puts into Redis what the worker finds.
    """

    name: str
    queues: dict[str, int] = field(default_factory=lambda: {"default": 1})
    more: str = ""
    prepare: Callable[[str, dict[str, int]], None] = lambda _url, _queues: None


def schedule_one_each(url: str, queues: dict[str, int]) -> None:
    """Schedule a task for tomorrow in each queue."""
    with Client(url) as client:
        for queue in queues:
            client.enqueue(Task("greet", b"{}"), queue=queue, process_in=timedelta(days=1))


TEN = {f"queue-{number}": number for number in range(1, 11)}
CASES = (
    Case(name="default"),
    Case(name="3 queues", queues={"critical": 6, "default": 3, "low": 1}),
    Case(name="10 queues", queues=TEN),
    Case(name="10 queues, a task scheduled in each", queues=TEN, prepare=schedule_one_each),
    Case(name="aggregator", more=AGGREGATOR),
    Case(name="10 queues, aggregator", queues=TEN, more=AGGREGATOR),
    Case(name="20 queues: polling", queues={f"queue-{number}": 1 for number in range(20)}),
)


@contextmanager
def worker(case: Case, url: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run ``pyasynq worker`` until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="pyasynq-benchmark-") as folder:
        app = Path(folder) / "idle_app.py"
        app.write_text(APP.format(queues=case.queues, more=case.more))
        process = subprocess.Popen(
            [sys.executable, "-m", "pyasynq", "worker", "idle_app:app", "--redis-url", url],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
            stdout=subprocess.PIPE,
            stderr=(Path(folder) / "log").open("wb"),
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until *condition* is true."""
    end = time.monotonic() + START_TIMEOUT_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {START_TIMEOUT_S} s: {condition}")
        time.sleep(0.01)


def cpu_s(process: "subprocess.Popen[bytes]", output: IO[bytes]) -> float:
    """Return the processor time that a worker has used, in seconds."""
    process.send_signal(signal.SIGUSR1)
    return float(output.readline())


def count_sent(monitor: redis.client.Monitor, commands: Counter[str]) -> None:
    """Count what clients send, as MONITOR shows it, but not what scripts call."""
    with contextlib.suppress(redis.RedisError, OSError, ValueError):  # Redis ends with the case
        for each in monitor.listen():
            if each["client_type"] != "lua":
                commands[each["command"].split(" ", 1)[0].lower()] += 1


def executed(client: redis.Redis) -> int:
    """Return how many commands Redis has executed since its figures were reset."""
    found: dict[str, dict[str, int]] = client.info("commandstats")
    own = ("cmdstat_info", "cmdstat_config", "cmdstat_monitor", "cmdstat_client")
    return sum(each["calls"] for name, each in found.items() if not name.startswith(own))


def idle(case: Case, seconds: float) -> Figures:
    """Measure one worker, alone with its Redis."""
    with ExitStack() as stack:
        server = stack.enter_context(BenchmarkRedis())
        case.prepare(server.url, case.queues)
        process = stack.enter_context(worker(case, server.url))
        if process.stdout is None:
            raise TypeError("the output of the worker is not read")
        wait_for(lambda: server.client.zcard("asynq:servers"))
        time.sleep(SETTLE_S)
        watcher = redis.Redis.from_url(server.url, protocol=2, socket_timeout=None)
        monitor = stack.enter_context(watcher.monitor())
        server.client.config_resetstat()
        commands: Counter[str] = Counter()
        began, cpu_began_s = time.monotonic(), cpu_s(process, process.stdout)
        threading.Thread(target=count_sent, args=(monitor, commands), daemon=True).start()
        time.sleep(seconds)
        used_s, took_s = cpu_s(process, process.stdout) - cpu_began_s, time.monotonic() - began
        for own in ("info", "config", "monitor", "client"):
            del commands[own]
        return {
            "sent_per_s": sum(commands.values()) / took_s,
            "executed_per_s": executed(server.client) / took_s,
            "cpu_percent": 100 * used_s / took_s,
            "connections": server.connections() - 1,
            "seconds": took_s,
        } | {f"sent_{name}": count for name, count in commands.items()}


def measure_round(cases: list[Case], seconds: float, found: dict[str, Series]) -> None:
    """Measure all cases at the same time."""

    def play(case: Case) -> None:
        found[case.name].rounds.append(idle(case, seconds))

    threads = [threading.Thread(target=play, args=(case,)) for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure(options: Options) -> None:
    """Measure every case that is asked for, print and record."""
    cases = options.chosen(CASES)
    found = {case.name: Series(case.name) for case in cases}
    for _ in range(options.rounds):
        measure_round(cases, SECONDS * options.share, found)
    with BenchmarkRedis() as server:
        version = server.version
    figures = ("sent_per_s", "executed_per_s", "cpu_percent", "connections")
    rows = [(name, *(found[name].median(figure) for figure in figures)) for name in found]
    print(table(("idle worker", "sent/s", "executed/s", "CPU %", "connections"), rows))
    results = {name: series.as_data() for name, series in found.items()}
    print(save("idle", results, redis_version=version, path=options.record))


if __name__ == "__main__":
    measure(read_options(__doc__, rounds=1))
