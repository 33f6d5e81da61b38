"""The roles of a queue whose producers and tasks are plain functions. Standard library only.

A program names two functions. `client(address)` returns a function that enqueues a task with the
keyword parameters it is called with. `work(address, concurrency, body)` starts a worker in threads
whose task calls *body* with those parameters, and returns a function that says how many tasks are
not acknowledged. It may name another function to work *in_processes*.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from benchmarks.programs.effort import effort
from benchmarks.programs.role import (
    PAYLOAD,
    Meter,
    Parameters,
    Role,
    Samples,
    at_a_rate,
    notes,
    one_by_one,
    play,
    until_none,
    until_terminated,
)
from benchmarks.programs.tally import LOOK_S, Tally, count

Send = Callable[..., object]
Left = Callable[[], int]
Body = Callable[..., object]
Client = Callable[[str], Send]
Work = Callable[[str, int, Body], Left]


def play_with(client: Client, work: Work, *, in_processes: Work | None = None) -> None:
    """Play the role that the command line names."""
    play(**producing(client), **_consuming(work, in_processes))


def producing(client: Client) -> dict[str, Role]:
    """Return the roles that enqueue."""

    def fill(address: str, given: Parameters) -> dict[str, Any]:
        send = client(address)
        for _ in range(given["tasks"]):
            send(**PAYLOAD)
        return {}

    def enqueue(address: str, given: Parameters) -> dict[str, Any]:
        send = client(address)
        return one_by_one(given["tasks"], lambda: send(**PAYLOAD))

    def produce(address: str, given: Parameters) -> dict[str, Any]:
        send = client(address)
        at_a_rate(given["samples"], given["rate"], lambda: send(due_ns=time.time_ns()))
        return {}

    return {"fill": fill, "enqueue": enqueue, "produce": produce}


def _consuming(work: Work, in_processes: Work | None) -> dict[str, Role]:
    def drain(address: str, given: Parameters) -> dict[str, Any]:
        if in_processes is not None and given.get("handler") == "process":
            return _drain_in_processes(in_processes, address, given)
        return _drain(work, address, given)

    def pick_up(address: str, given: Parameters) -> dict[str, Any]:
        finished = threading.Event()
        samples = Samples(given["samples"], finished.set)
        work(address, given["concurrency"], samples.take)
        print("ready", flush=True)
        finished.wait()
        return samples.figures()

    def idle(address: str, given: Parameters) -> dict[str, Any]:
        concurrency = given.get("concurrency", 10)
        return until_terminated(lambda: work(address, concurrency, lambda **_: None))

    def linger(address: str, given: Parameters) -> dict[str, Any]:
        work(address, given["concurrency"], lingering(given))
        print("ready", flush=True)
        threading.Event().wait()  # until somebody kills this process
        return {}

    return {"drain": drain, "pick_up": pick_up, "idle": idle, "linger": linger}


def lingering(given: Parameters) -> Body:
    """Return a body that notes its start in the ledger and then waits as long as is wanted."""
    note, linger_s = notes(given), given["linger_s"]

    def body(due_ns: int) -> None:
        note(due_ns)
        time.sleep(linger_s)

    return body


def _drain(work: Work, address: str, given: Parameters) -> dict[str, Any]:
    finished, do = threading.Event(), effort(given)
    meter = Meter(given["tasks"], finished.set)

    def body(**_: object) -> None:
        meter.tick()
        do()

    left = work(address, given["concurrency"], body)
    finished.wait()
    until_none(left)
    return meter.figures()


def _drain_in_processes(work: Work, address: str, given: Parameters) -> dict[str, Any]:
    tally = Tally(given)
    left = work(address, given["concurrency"], count)
    while not tally.has_all():
        time.sleep(LOOK_S)
    until_none(left)
    return tally.figures()
