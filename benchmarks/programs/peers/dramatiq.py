"""Dramatiq, as a program to measure."""

from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.programs.blocking_roles import Body, Left, Send, play_with

ENOUGH = "max_connections=1000"  # each thread holds one; redis-py allows 100 by default


def _declare(address: str, body: Body) -> tuple[Any, Any]:
    broker = RedisBroker(url=f"redis://{address}/0?{ENOUGH}")

    @dramatiq.actor(actor_name="measured", broker=broker)
    def measured(**parameters: Any) -> None:
        body(**parameters)

    return broker, measured


def _client(address: str) -> Send:
    _, measured = _declare(address, lambda **_: None)
    send: Send = measured.send
    return send


def _work(address: str, concurrency: int, body: Body) -> Left:
    broker, _ = _declare(address, body)
    worker = dramatiq.Worker(broker, worker_threads=concurrency)
    worker.start()
    return lambda: int(worker.work_queue.unfinished_tasks)


if __name__ == "__main__":
    play_with(_client, _work)
