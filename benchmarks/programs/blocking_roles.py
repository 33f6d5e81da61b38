"""The roles of a queue whose producers and tasks are plain functions. Standard library only.

A program names two functions. `client(address)` returns a function that enqueues a task with the
keyword parameters it is called with. `work(address, concurrency, body)` starts a worker in threads
whose task calls *body* with those parameters, and returns a function that says how many tasks are
not acknowledged.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from benchmarks.programs.role import (
    PAYLOAD,
    Meter,
    Parameters,
    Role,
    Samples,
    at_a_rate,
    one_by_one,
    play,
    until_none,
    until_terminated,
)

Send = Callable[..., object]
Left = Callable[[], int]
Body = Callable[..., object]
Client = Callable[[str], Send]
Work = Callable[[str, int, Body], Left]


def play_with(client: Client, work: Work) -> None:
    """Play the role that the command line names."""
    play(**producing(client), **_consuming(work))


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


def _consuming(work: Work) -> dict[str, Role]:
    def drain(address: str, given: Parameters) -> dict[str, Any]:
        finished = threading.Event()
        meter = Meter(given["tasks"], finished.set)
        left = work(address, given["concurrency"], lambda **_: meter.tick())
        finished.wait()
        until_none(left)
        return meter.figures()

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

    return {"drain": drain, "pick_up": pick_up, "idle": idle}
