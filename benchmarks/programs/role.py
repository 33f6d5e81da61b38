"""What the Python programs share: the command line, the meter, the samples. Standard library only.

The programs of other queues run in environments that do not have pyasynq.
"""

import asyncio
import itertools
import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

PAYLOAD = {"user_id": 12345, "template": "welcome"}
BATCH = 100  # tasks of one bulk call
FILLERS = 100  # coroutines that fill a queue
SETTLE_S = 0.001  # between two looks at what is not acknowledged yet

Parameters = dict[str, Any]
Role = Callable[[str, Parameters], dict[str, Any]]


def play(**roles: Role) -> None:
    """Play the role that the command line names and print its figures.

    A role is called with the address of Redis and its parameters.
    """
    name, address, parameters = sys.argv[1:]
    end(roles[name](address, json.loads(parameters)))


def end(figures: dict[str, Any]) -> NoReturn:
    """Print the figures and end the process at once, whatever else it does."""
    print(json.dumps(figures), flush=True)
    # Some queues leave threads or asyncio tasks behind that never end.
    os._exit(0)


class Meter:
    """Counts tasks inside their handler, from any thread, and times them.

    Args:
        tasks: how many there are.
        when_done: called by the last of them.
    """

    def __init__(self, tasks: int, when_done: Callable[[], object]) -> None:
        self._tasks = tasks
        self._when_done = when_done
        self._numbers = itertools.count(1)
        self._cpu_s = 0.0
        self.started_s = 0.0

    def tick(self) -> None:
        """Count one task; the body of a no-op handler."""
        number = next(self._numbers)
        if number == 1:
            self._cpu_s = time.process_time()
            self.started_s = time.monotonic()
        if number == self._tasks:
            self._when_done()

    def figures(self) -> dict[str, Any]:
        """Return what `drain` prints; call it once the last task is acknowledged."""
        ended_s, cpu_s = time.monotonic(), time.process_time()
        count = next(self._numbers) - 1
        return {
            "started_s": self.started_s,
            "ended_s": ended_s,
            "count": count,
            "cpu_us": (cpu_s - self._cpu_s) / max(count, 1) * 1e6,
            "rss_mb": resident_mb(),
        }


class Samples:
    """Collects how long after its time each task started; any thread may add one.

    Args:
        samples: how many are wanted.
        when_done: called by the last of them.
    """

    def __init__(self, samples: int, when_done: Callable[[], object]) -> None:
        self._samples = samples
        self._when_done = when_done
        self._latencies_ms: list[float] = []

    def take(self, due_ns: int) -> None:
        """Add one, for a task that was due at *due_ns* and starts now."""
        self._latencies_ms.append((time.time_ns() - due_ns) / 1e6)
        if len(self._latencies_ms) == self._samples:
            self._when_done()

    def figures(self) -> dict[str, Any]:
        """Return what `pick_up` prints."""
        return {"latencies_ms": self._latencies_ms}


def timed_calls(tasks: int, call: Callable[[], object]) -> dict[str, Any]:
    """Time one call that enqueues *tasks*."""
    started_s, cpu_s = time.perf_counter(), time.process_time()
    call()
    seconds, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    return {"tasks_per_s": tasks / seconds, "cpu_us": cpu_s / tasks * 1e6}


async def timed_awaits(tasks: int, call: Callable[[], Awaitable[object]]) -> dict[str, Any]:
    """As `timed_calls`, for a coroutine function."""
    started_s, cpu_s = time.perf_counter(), time.process_time()
    await call()
    seconds, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    return {"tasks_per_s": tasks / seconds, "cpu_us": cpu_s / tasks * 1e6}


def one_by_one(tasks: int, send: Callable[[], object]) -> dict[str, Any]:
    """Time *tasks* calls of *send*, which enqueues one; a call before connects."""
    send()

    def some() -> None:
        for _ in range(tasks):
            send()

    return timed_calls(tasks, some)


async def awaiting(given: Parameters, send: Callable[[], Awaitable[object]]) -> dict[str, Any]:
    """As `one_by_one`, for a coroutine function; by many in the form "concurrent"."""
    callers = given["callers"] if given["form"] == "concurrent" else 1
    await send()
    return await timed_awaits(
        given["tasks"], lambda: send_all(given["tasks"], send, callers=callers)
    )


async def send_all(
    tasks: int, send: Callable[[], Awaitable[object]], *, callers: int = FILLERS
) -> None:
    """Await *send* *tasks* times, by as many coroutines as there are *callers*."""
    left = itertools.repeat(None, tasks)

    async def some() -> None:
        for _ in left:
            await send()

    await asyncio.gather(*[some() for _ in range(callers)])


def until_none(left: Callable[[], int]) -> None:
    """Wait until *left* returns that no task waits for its acknowledgement."""
    while left():
        time.sleep(SETTLE_S)


async def until_none_async(left: Callable[[], Awaitable[int]]) -> None:
    """As `until_none`, for a coroutine function."""
    while await left():  # noqa: ASYNC110 - Redis knows it, but sends no message
        await asyncio.sleep(SETTLE_S)


def on_worker_loop(
    work: Coroutine[Any, Any, dict[str, Any]], *, uvloop: bool = True
) -> dict[str, Any]:
    """Run on uvloop where it is installed and not unwanted, else on asyncio's own loop."""
    factory = None
    if uvloop and find_spec("uvloop"):
        factory = import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


def at_a_rate(samples: int, rate: float, send: Callable[[], object]) -> None:
    """Call *send* *samples* times, at random intervals with a mean of 1/*rate* seconds."""
    for pause_s in _pauses_s(samples, rate):
        time.sleep(pause_s)
        send()


async def at_a_rate_async(
    samples: int, rate: float, send: Callable[[], Awaitable[object]]
) -> dict[str, Any]:
    """As `at_a_rate`, for a coroutine function; return the figures of `produce`: none."""
    for pause_s in _pauses_s(samples, rate):
        await asyncio.sleep(pause_s)
        await send()
    return {}


def _pauses_s(samples: int, rate: float) -> Iterator[float]:
    """Return how long to wait before each sample, for one who asks when it has sent the last."""
    chance = random.Random(samples)  # noqa: S311 - the same gaps for every side
    next_s = time.perf_counter()
    for _ in range(samples):
        next_s += chance.uniform(0.5, 1.5) / rate
        yield max(0.0, next_s - time.perf_counter())


def until_terminated(serve: Callable[[], object]) -> dict[str, Any]:
    """Print `ready` and wait for SIGTERM; return the figures of `idle`: none."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    serve()
    print("ready", flush=True)
    signal.sigwait({signal.SIGTERM})
    return {}


async def until_terminated_async() -> dict[str, Any]:
    """As `until_terminated`, for a program with an event loop."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    print("ready", flush=True)
    await ended.wait()
    return {}


def notes(given: Parameters) -> Callable[[int], object]:
    """Return what appends the start of a task, by its number, to the file `ledger`."""
    file = os.open(given["ledger"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    return lambda number: os.write(file, b"%d\n" % number)


async def until_killed() -> dict[str, Any]:
    """Print `ready` and go on until somebody kills this process; there are no figures."""
    print("ready", flush=True)
    await asyncio.Event().wait()
    return {}


def resident_mb() -> float:
    """Return the memory that this process has resident, in megabytes."""
    statm = Path("/proc/self/statm")
    if not statm.exists():  # the peak, which also counts what the parent had when it forked
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(statm.read_text("ascii").split()[1]) * resource.getpagesize() / (1 << 20)
