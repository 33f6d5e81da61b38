"""Celery with a pool of threads, or of processes, as a program to measure.

Messages are acknowledged after their task; the worker does not ask for others at its start.
"""

import threading
from functools import partial
from typing import Any

from celery import Celery
from redis import Redis

from benchmarks.programs.blocking_roles import Body, Left, Send, play_with

UNACKNOWLEDGED = "unacked"  # Kombu's hash of the messages that were delivered


def _declare(address: str, body: Body) -> tuple[Any, Any]:
    app = Celery("measured", broker=f"redis://{address}/0", set_as_current=False)
    app.conf.update(task_acks_late=True, task_ignore_result=True)

    @app.task(name="measured")
    def measured(**parameters: Any) -> None:
        body(**parameters)

    return app, measured


def _client(address: str) -> Send:
    _, measured = _declare(address, lambda **_: None)
    send: Send = measured.delay
    return send


def _work(address: str, concurrency: int, body: Body, *, pool: str = "threads") -> Left:
    app, _ = _declare(address, body)
    ready = threading.Event()
    worker = app.WorkController(
        pool=pool,
        concurrency=concurrency,
        without_gossip=True,
        without_mingle=True,
        ready_callback=lambda _: ready.set(),
    )
    threading.Thread(target=worker.start, name="celery", daemon=True).start()
    ready.wait()
    redis = Redis.from_url(f"redis://{address}/0")
    return lambda: int(redis.hlen(UNACKNOWLEDGED))


if __name__ == "__main__":
    play_with(_client, _work, in_processes=partial(_work, pool="prefork"))
