"""Huey with worker threads, as a program to measure.

It has no acknowledgement: a task that has left the queue is gone.
"""

from typing import Any

from huey import RedisHuey

from benchmarks.programs.blocking_roles import Body, Left, Send, play_with

ENOUGH = "max_connections=1000"  # each thread holds one; redis-py allows 100 by default


def _declare(address: str, body: Body) -> tuple[Any, Any]:
    huey = RedisHuey("measured", results=False, url=f"redis://{address}/0?{ENOUGH}")

    @huey.task(name="measured")
    def measured(**parameters: Any) -> None:
        body(**parameters)

    return huey, measured


def _client(address: str) -> Send:
    _, measured = _declare(address, lambda **_: None)
    send: Send = measured
    return send


def _work(address: str, concurrency: int, body: Body) -> Left:
    huey, _ = _declare(address, body)
    huey.create_consumer(workers=concurrency, periodic=False).start()
    return lambda: 0


if __name__ == "__main__":
    play_with(_client, _work)
