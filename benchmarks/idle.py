"""What does an idle worker cost: commands a second, processor time, memory, connections?

Each case is a worker with a Redis of its own that is empty, or holds what the name of the case
says; all run at the same time. "sent" are the commands that the worker sends; "executed" are also
those that its scripts call, as `INFO commandstats` counts. The goal is below 3 commands sent a
second, and below 1 % of a processor.
"""

import contextlib
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import redis

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.peers import installed
from benchmarks.measure.process import cpu_s, resident_mb
from benchmarks.measure.program import Figures, Program, Started
from benchmarks.measure.question import Column, Group, Question, answer
from benchmarks.measure.redis_server import LOOKS, BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ, go_asynq
from pyasynq import Client, Task

SECONDS, QUICK_SECONDS = 30.0, 6.0
# Until the start is over: the first recovery, every script known.
SETTLE_S, QUICK_SETTLE_S = 12.0, 4.0
CONCURRENCY = 10
COMMAND = "pyasynq worker"
QUESTION = Question(
    "idle",
    ("measured", "worker"),
    (
        Column("sent/s", "sent_per_s"),
        Column("executed/s", "executed_per_s"),
        Column("CPU ms/s", "cpu_ms_per_s"),
        Column("RSS MB", "rss_mb"),
        Column("connections", "connections"),
    ),
)
APP = """
from pyasynq import App

app = App(queues={queues!r})


@app.task
async def greet(name: str) -> None:
    pass

{more}
print("ready", flush=True)
"""
AGGREGATOR = """
@app.aggregator("*")
async def join(group, tasks):
    return tasks[0]
"""

Start = Callable[[BenchmarkRedis], AbstractContextManager[Started]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One worker to measure.

    Attributes:
        name: as shown.
        start: runs it until the end of the block.
    """

    name: str
    start: Start


@contextmanager
def command(
    server: BenchmarkRedis, *, queues: Mapping[str, int], more: str = "", scheduled: bool = False
) -> Iterator[Started]:
    """Run ``pyasynq worker``.

    Args:
        server: its Redis.
        queues: those of its App.
        more: text of its App besides queues and a task.
        scheduled: whether a task is scheduled for tomorrow in each queue.
    """
    with Client(server.url) as client:
        for queue in queues if scheduled else ():
            client.enqueue(Task("greet", b"{}"), queue=queue, process_in=timedelta(days=1))
    with tempfile.TemporaryDirectory(prefix="pyasynq-benchmark-") as folder:
        (Path(folder) / "idle_app.py").write_text(APP.format(queues=dict(queues), more=more))
        arguments = ("-m", "pyasynq", "worker", "idle_app:app", "--redis-url", server.url)
        with Started.of(COMMAND, (sys.executable, *arguments), {"PYTHONPATH": folder}) as started:
            yield started


def role(server: BenchmarkRedis, *, program: Program) -> Started:
    """Run the worker of *program*."""
    return program.start("idle", server.address, concurrency=CONCURRENCY)


def alike(count: int) -> dict[str, int]:
    """Return that many queues of the same priority."""
    return {f"queue-{number}": 1 for number in range(count)}


TEN = {f"queue-{number}": number for number in range(1, 11)}
THREE = {"critical": 6, "default": 3, "low": 1}
WORKERS: dict[str, Start] = {
    "1 queue": partial(command, queues={"default": 1}),
    "3 queues": partial(command, queues=THREE),
    "10 queues": partial(command, queues=TEN),
    "10 queues, a task scheduled in each": partial(command, queues=TEN, scheduled=True),
    "aggregator": partial(command, queues={"default": 1}, more=AGGREGATOR),
    "10 queues, aggregator": partial(command, queues=TEN, more=AGGREGATOR),
    "17 queues": partial(command, queues=alike(17)),
    "50 queues": partial(command, queues=alike(50)),
    "200 queues": partial(command, queues=alike(200)),
}


def count_sent(monitor: redis.client.Monitor, commands: Counter[str]) -> None:
    """Count what clients send, as MONITOR shows it, but not what scripts call."""
    with contextlib.suppress(redis.RedisError, OSError, ValueError):  # Redis ends with the case
        for each in monitor.listen():
            if each["client_type"] != "lua":
                commands[each["command"].split(" ", 1)[0].lower()] += 1


def idle(side: Side, *, settle_s: float, seconds: float) -> Figures:
    """Measure one worker, alone with its Redis."""
    with ExitStack() as stack:
        server = stack.enter_context(BenchmarkRedis())
        worker = stack.enter_context(side.start(server))
        worker.wait_until_ready()
        time.sleep(settle_s)
        watcher = redis.Redis.from_url(server.url, protocol=2, socket_timeout=None)
        monitor = stack.enter_context(watcher.monitor())
        commands: Counter[str] = Counter()
        threading.Thread(target=count_sent, args=(monitor, commands), daemon=True).start()
        executed, pid = server.executed(), worker.process.pid
        began_s, used_s = time.monotonic(), cpu_s(pid)
        time.sleep(seconds)
        used_s, took_s = cpu_s(pid) - used_s, time.monotonic() - began_s
        for own in LOOKS:
            del commands[own]
        return {
            "sent_per_s": sum(commands.values()) / took_s,
            "executed_per_s": (server.executed() - executed) / took_s,
            "cpu_ms_per_s": 1e3 * used_s / took_s,
            "rss_mb": resident_mb(pid),
            "connections": server.connections() - 1,
            "seconds": took_s,
        } | {f"sent_{name}": count for name, count in commands.items()}


def groups(options: Options, programs: list[Program]) -> Iterator[Group[Side]]:
    """Return the real command, and a bare worker of each program, with one queue."""
    quick = options.is_quick
    play = partial(
        idle,
        settle_s=QUICK_SETTLE_S if quick else SETTLE_S,
        seconds=QUICK_SECONDS if quick else SECONDS,
    )
    sides = [Side(name=f"{COMMAND}, {name}", start=start) for name, start in WORKERS.items()]
    sides += [Side(name=each.name, start=partial(role, program=each)) for each in programs]
    yield Group("idle", options.chosen(sides), play, at_once=True)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__, rounds=1, with_peers=True)
    peers = installed(options.peers)
    programs = [PYASYNQ, *go_asynq(), *peers.programs]
    answer(QUESTION, options, groups(options, programs), peers)


if __name__ == "__main__":
    main()
