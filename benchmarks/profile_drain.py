"""Where does the time of one no-op task go: our functions, the loop, the codecs, Redis?

Drains a queue inside this process with a sampling profiler; needs no other tool.
"""

import argparse
import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyasynq
from benchmarks.measure.record import table
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sampler import Sampler, SourceLine
from benchmarks.measure.stock import Stock
from benchmarks.programs.pyasynq_handlers import HANDLERS
from benchmarks.programs.pyasynq_roles import until_finished
from benchmarks.programs.role import Meter, on_worker_loop

OURS = str(Path(pyasynq.__file__).parent)
# A line that calls one of these is the work of its library, whichever file it stands in.
CALLS = (
    ("hiredis: parse replies", re.compile(r"\breader\.(feed|gets)\(")),
    ("hiredis: pack commands", re.compile(r"\bpack_command\(")),
    ("protobuf", re.compile(r"\b(FromString|ParseFromString|SerializeToString)\(")),
    ("msgspec: payload and results", re.compile(r"\b(decoder|encoder|_decode|_encode)\b.*\(")),
    ("loop: tasks", re.compile(r"\bcreate_task\(")),
    ("loop: sockets", re.compile(r"\btransport\.write\(")),
)
LOOPS = ("/asyncio/", "/uvloop/", "/_weakrefset.py")  # asyncio keeps all tasks in a WeakSet


def part_of(source: SourceLine) -> str:
    """Return the row that a sample belongs to."""
    for name, call in CALLS:
        if call.search(source.line):
            return name
    if source.file.startswith(OURS):
        return f"pyasynq/{source.file.removeprefix(OURS).strip('/')}"
    if any(loop in source.file for loop in LOOPS):
        return "loop: callbacks, sockets, selector"
    return "benchmark and others"


def drain(redis: BenchmarkRedis, given: dict[str, Any]) -> tuple[Sampler, dict[str, Any]]:
    """Run the tasks in this process; sample from the first start to the last acknowledgement."""
    sampler = Sampler()
    figures = on_worker_loop(_drain(redis.address, given, sampler), uvloop=given["uvloop"])
    return sampler, figures


async def _drain(address: str, given: dict[str, Any], sampler: Sampler) -> dict[str, Any]:
    finished, loop = asyncio.Event(), asyncio.get_running_loop()
    meter = Meter(given["tasks"], lambda: loop.call_soon_threadsafe(finished.set))
    is_first = True

    def tick() -> None:
        nonlocal is_first
        if is_first:
            is_first = False
            loop.call_soon_threadsafe(sampler.start)  # only the main thread can sample
        meter.tick()

    server, mux = HANDLERS[given["handler"]](address, given, tick)
    async with server.running(mux):
        await until_finished(address, given, finished)
        sampler.stop()
        return meter.figures()


def parts(sampler: Sampler, tasks: int) -> Iterator[tuple[object, ...]]:
    """Return the rows of the table by part, the dearest first: µs for each task, and its share."""
    costs: defaultdict[str, float] = defaultdict(float)
    for source, seconds in sampler.cpu_s.items():
        costs[part_of(source)] += seconds
    costs["other threads: heartbeat, plain functions"] += sampler.other_threads_s
    yield from _ranked(costs, tasks)
    total_s = sum(costs.values())
    yield ("all", total_s / tasks * 1e6, 1.0)
    yield ("of that in the kernel", sampler.kernel_s / tasks * 1e6, sampler.kernel_s / total_s)


def functions(sampler: Sampler, tasks: int, most: int) -> Iterator[tuple[object, ...]]:
    """Return the dearest functions, what they call in C included."""
    costs: defaultdict[str, float] = defaultdict(float)
    for source, seconds in sampler.cpu_s.items():
        costs[f"{Path(source.file).stem}.{source.function}"] += seconds
    yield from list(_ranked(costs, tasks))[:most]


def commands(
    before: Mapping[str, tuple[int, float]], after: Mapping[str, tuple[int, float]], tasks: int
) -> Iterator[tuple[object, ...]]:
    """Return what each command cost Redis for one task; what scripts call is part of them, too."""
    found = []
    for name, (calls, seconds) in after.items():
        calls_before, seconds_before = before.get(name, (0, 0.0))
        spent_s, times = seconds - seconds_before, calls - calls_before
        if times:
            found.append((name, spent_s / tasks * 1e6, times / tasks, spent_s / times * 1e6))
    yield from sorted(found, key=lambda row: -row[1])


def _ranked(costs: Mapping[str, float], tasks: int) -> Iterator[tuple[str, float, float]]:
    total_s = sum(costs.values()) or 1.0
    for name, seconds in sorted(costs.items(), key=lambda item: -item[1]):
        yield name, seconds / tasks * 1e6, seconds / total_s


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=200_000)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--handler", choices=("app", "bare", "thread"), default="bare")
    parser.add_argument("--plain-asyncio", action="store_true", help="leave uvloop out")
    parser.add_argument("--functions", type=int, default=25, help="how many are shown")
    return parser.parse_args()


def main() -> None:
    """Profile one drain and print where its time went."""
    asked = read_arguments()
    given = {
        "tasks": asked.tasks,
        "concurrency": asked.concurrency,
        "handler": asked.handler,
        "uvloop": not asked.plain_asyncio,
    }
    with BenchmarkRedis() as redis:
        Stock(redis.url).enqueue(asked.tasks)
        before, cpu_s = redis.commands(), redis.cpu_s()
        sampler, figures = drain(redis, given)
        after, cpu_s = redis.commands(), redis.cpu_s() - cpu_s
    tasks = asked.tasks
    seconds = figures["ended_s"] - figures["started_s"]
    print(f"{tasks} tasks, {tasks / seconds:,.0f} a second\n")
    print(table(("part", "CPU µs for a task", "share"), parts(sampler, tasks)), end="\n\n")
    print(
        table(
            ("function", "CPU µs for a task", "share"), functions(sampler, tasks, asked.functions)
        )
    )
    print()
    heads = ("Redis command", "CPU µs for a task", "calls", "µs a call")
    print(table(heads, commands(before, after, tasks)))
    print(f"Redis in all: {cpu_s / tasks * 1e6:.3g} µs of CPU for a task, sockets included")


if __name__ == "__main__":
    main()
