"""RQ's SimpleWorker, which runs one job after the other in its own process, to be measured."""

from functools import partial
from importlib import import_module
from typing import Any

from redis import Redis
from rq import Queue, SimpleWorker

from benchmarks.programs.blocking_roles import Body, Send, lingering, producing
from benchmarks.programs.role import (
    BATCH,
    PAYLOAD,
    Meter,
    Parameters,
    Role,
    Samples,
    play,
    timed_calls,
)

FUNCTION = "benchmarks.programs.peers.rq.measured"
bodies: list[Body] = []  # RQ finds its functions by name, so this is where they find theirs


def measured(**parameters: Any) -> None:
    """Do what the role wants; called by the worker."""
    bodies[-1](**parameters)


def roles() -> dict[str, Role]:
    """Return the roles that this program can take."""
    found = producing(_client)
    consuming: dict[str, Role] = {
        "drain": drain,
        "pick_up": pick_up,
        "idle": idle,
        "linger": linger,
    }
    return found | {"enqueue": _enqueue_with(found["enqueue"])} | consuming


def drain(address: str, given: Parameters) -> dict[str, Any]:
    """Run no-op jobs until all have run; the last is acknowledged then, too."""
    meter = Meter(given["tasks"], lambda: None)
    _work(address, given["tasks"], lambda **_: meter.tick())
    return meter.figures()


def pick_up(address: str, given: Parameters) -> dict[str, Any]:
    """Work until enough jobs have recorded how late they started."""
    samples = Samples(given["samples"], lambda: None)
    print("ready", flush=True)
    _work(address, given["samples"], samples.take)
    return samples.figures()


def idle(address: str, _given: Parameters) -> dict[str, Any]:
    """Wait for jobs until SIGTERM, at which the worker ends by itself."""
    print("ready", flush=True)
    _work(address, None, lambda **_: None)
    return {}


def linger(address: str, given: Parameters) -> dict[str, Any]:
    """Note the start of each job, which then takes as long as is wanted, until this is killed."""
    print("ready", flush=True)
    _work(address, None, lingering(given))
    return {}


def _work(address: str, jobs: int | None, body: Body) -> None:
    bodies.append(body)
    worker = SimpleWorker([_queue(address)], connection=Redis.from_url(f"redis://{address}/0"))
    worker.work(max_jobs=jobs, logging_level="WARNING")


def _queue(address: str) -> Any:
    return Queue(connection=Redis.from_url(f"redis://{address}/0"))


def _client(address: str) -> Send:
    return partial(_queue(address).enqueue, FUNCTION, result_ttl=0)


def _enqueue_with(one_by_one: Role) -> Role:
    def enqueue(address: str, given: Parameters) -> dict[str, Any]:
        if given["form"] != "bulk":
            return one_by_one(address, given)
        queue = _queue(address)
        batch = [Queue.prepare_data(FUNCTION, kwargs=PAYLOAD, result_ttl=0)] * BATCH

        def in_bulk() -> None:
            for _ in range(given["tasks"] // BATCH):
                queue.enqueue_many(batch)

        queue.enqueue_many(batch)
        return timed_calls(given["tasks"], in_bulk)

    return enqueue


if __name__ == "__main__":
    # The worker imports this module by its name, so the roles must be of that copy.
    play(**import_module("benchmarks.programs.peers.rq").roles())
