"""How many tasks a second could one Redis carry, if no client were ever too slow?

The commands of enqueueing and of running tasks are written down beforehand and sent as one stream;
the replies are only counted. What Redis needs for it is the ceiling of any number of workers:
tasks a second of one core. Beside ours, those of Go Asynq's scripts where its source is there.
"""

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any
from uuid import uuid4

import hiredis
from typing_extensions import override

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.program import Figures, ProgramFailedError
from benchmarks.measure.question import GO, Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import GO_SOURCE, PYASYNQ
from benchmarks.measure.stock import TASK
from pyasynq import EnqueueOptions
from pyasynq.broker.new_tasks.prepare import PreparedTask, prepare
from pyasynq.broker.operation import Operation, Script
from pyasynq.broker.operations import dequeue, enqueue, finish
from pyasynq.clock import NANOSECONDS
from pyasynq.wire.keys import queue_keys

TASKS = 30_000
BATCHES = (1, 10, 100)
CALL = "EVALSHA"
LEASE_S = 3600
LARGEST_COUNTER = 2**63 - 1
KEYS = queue_keys("default")
QUESTION = Question(
    "ceiling",
    ("case", "scripts"),
    (
        Column("Redis CPU µs", "redis_cpu_us"),
        Column("ceiling, tasks/s", "tasks_per_s"),
        Column("of Go or the first", "tasks_per_s", of=(GO, PYASYNQ.name)),
    ),
)

Command = Any  # the stub of pack_command knows tuples of one item only


@dataclass(frozen=True)
class Scripts:
    """The scripts of one program, as streams of commands.

    Attributes:
        name: of the program.
        batch: tasks of one call.
    """

    name: str
    batch: int

    def enqueueing(self, redis: BenchmarkRedis, items: Sequence[PreparedTask]) -> Iterator[Command]:
        """Return the calls that make tasks pending."""
        for some in _batches(items, self.batch):
            now_ns = time.time_ns()
            yield _called(redis, enqueue.enqueue(some, now_ns=now_ns))

    def running(self, redis: BenchmarkRedis, items: Sequence[PreparedTask]) -> Iterator[Command]:
        """Return the calls that lease tasks and delete them once they are done, in turn."""
        now_ns = time.time_ns()
        until_s = now_ns // NANOSECONDS + LEASE_S
        for number, some in enumerate(_batches(items, self.batch)):
            owner = f"owner{number}"
            yield _called(
                redis,
                dequeue.dequeue_many(
                    KEYS, count=len(some), owner=owner, lease_expires_at_s=until_s
                ),
            )
            fence = finish.Fence(owner=owner)
            done = [finish.ToDelete(task_id=item.id, fence=fence) for item in some]
            yield _called(redis, finish.done_many(KEYS, done, now_ns=now_ns))


class GoScripts(Scripts):
    """Those of Go Asynq, which have one task in each call."""

    @override
    def enqueueing(self, redis: BenchmarkRedis, items: Sequence[PreparedTask]) -> Iterator[Command]:
        """Return the calls that make tasks pending."""
        digest, now_ns = _loaded(redis, go_script("enqueueCmd")), time.time_ns()
        for item in items:
            task_id = item.id
            keys = (KEYS.task(task_id), KEYS.pending)
            yield (CALL, digest, len(keys), *keys, item.encoded, task_id, now_ns)

    @override
    def running(self, redis: BenchmarkRedis, items: Sequence[PreparedTask]) -> Iterator[Command]:
        """Return the calls that lease tasks and delete them once they are done, in turn."""
        dequeue, done = (_loaded(redis, go_script(name)) for name in ("dequeueCmd", "doneCmd"))
        now_s = int(time.time())
        leasing = (KEYS.pending, KEYS.paused, KEYS.active, KEYS.lease)
        limits = (now_s + finish.COUNTERS_LIVE_S, LARGEST_COUNTER)
        for item in items:
            task_id = item.id
            yield (CALL, dequeue, len(leasing), *leasing, now_s + LEASE_S, KEYS.task_prefix)
            counters = (KEYS.processed_on(now_s), KEYS.processed)
            keys = (KEYS.active, KEYS.lease, KEYS.task(task_id), *counters)
            yield (CALL, done, len(keys), *keys, task_id, *limits)


def go_script(name: str) -> str:
    """Return the text of one of Go Asynq's scripts, from its source."""
    go = shutil.which("go") or "go"
    asked = [go, "list", "-m", "-f", "{{.Dir}}", "github.com/hibiken/asynq"]
    folder = subprocess.run(asked, cwd=GO_SOURCE, capture_output=True, text=True, check=True).stdout
    source = (Path(folder.strip()) / "internal" / "rdb" / "rdb.go").read_text("utf-8")
    found = re.search(rf"var {name} = redis\.NewScript\(`([^`]*)`\)", source)
    if not found:
        raise ProgramFailedError(f"Go Asynq has no script {name}")
    return found[1]


def streamed(redis: BenchmarkRedis, commands: Iterable[Command]) -> float:
    """Send all commands as one stream and count the replies; return the CPU seconds of Redis.

    Raises:
        ProgramFailedError: a command failed.
    """
    packed = [hiredis.pack_command(command) for command in commands]
    host, _, port = redis.address.partition(":")
    before_s, left, reader = redis.cpu_s(), len(packed), hiredis.Reader()
    with socket.create_connection((host, int(port))) as connection:
        sender = threading.Thread(target=connection.sendall, args=(b"".join(packed),))
        sender.start()
        while left:
            reader.feed(connection.recv(1 << 20))
            while (reply := reader.gets()) is not False:
                left -= 1
                if isinstance(reply, Exception):
                    raise ProgramFailedError(str(reply))
        sender.join()
    return redis.cpu_s() - before_s


def carried(redis: BenchmarkRedis, scripts: Scripts, tasks: int) -> dict[str, Figures]:
    """Enqueue and run *tasks*; return what each cost Redis.

    Raises:
        ProgramFailedError: not all of them were run.
    """
    redis.clear()
    now_ns = time.time_ns()
    options = EnqueueOptions()
    items = [
        prepare(TASK, options, KEYS, now_ns=now_ns, new_id=lambda: str(uuid4()))
        for _ in range(tasks)
    ]
    costs_s = {
        "enqueue": streamed(redis, scripts.enqueueing(redis, items)),
        "run": streamed(redis, scripts.running(redis, items)),
    }
    if redis.processed(["default"]) != tasks or redis.client.llen(KEYS.active):
        raise ProgramFailedError(f"{scripts.name}: not all of {tasks} tasks were run")
    return {
        name: {"redis_cpu_us": cost_s / tasks * 1e6, "tasks_per_s": tasks / cost_s}
        for name, cost_s in costs_s.items()
    }


def groups(options: Options, *, with_go: bool) -> Iterator[Group[Scripts]]:
    """Return enqueueing and running in batches of several sizes."""
    ours = [Scripts(f"{PYASYNQ.name}, {batch} a call", batch) for batch in BATCHES]
    sides = [*ours, *([GoScripts(GO, 1)] if with_go else [])]
    with BenchmarkRedis() as redis:
        for step in ("enqueue", "run"):

            def play(scripts: Scripts, step: str = step) -> Figures:
                return carried(redis, scripts, options.tasks(TASKS))[step]

            yield Group(step, options.chosen(sides), play)


def _batches(items: Sequence[PreparedTask], size: int) -> Iterator[Sequence[PreparedTask]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _called(redis: BenchmarkRedis, operation: Operation[Any]) -> Command:
    """Return the command that a runner would send for an operation."""
    if not isinstance(operation.call, Script):
        raise TypeError(f"{operation.name} is not a script")
    digest = _loaded(redis, operation.call.source)
    return (CALL, digest, len(operation.keys), *operation.keys, *operation.args)


def _loaded(redis: BenchmarkRedis, source: str) -> str:
    """Return the digest of a script that Redis knows now."""
    digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
    if digest not in redis.scripts:
        redis.client.script_load(source)
        redis.scripts.add(digest)
    return digest


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__)
    answer(QUESTION, options, groups(options, with_go=shutil.which("go") is not None))


if __name__ == "__main__":
    main()
