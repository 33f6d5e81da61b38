"""The tasks of a fault test, of which there are always enough."""

from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

import redis

from pyasynq.client import Client
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task

LITTLE = 20  # pending tasks of a queue


class Load:
    """Tasks that wait for some milliseconds, spread over queues.

    However slowly a worker starts beside others, it finds work: a test tops up until it does.
    """

    def __init__(
        self,
        url: str,
        client: redis.Redis,
        *,
        milliseconds: Sequence[int],
        queues: Sequence[str] = ("default",),
    ) -> None:
        self._url = url
        self._redis = client
        self._milliseconds = cycle(milliseconds)
        self._queues = queues
        self.ids: set[str] = set()

    def add(self, count: int) -> None:
        """Enqueue *count* tasks in each queue."""
        for queue in self._queues:
            payloads = [b"%d" % each for each in islice(self._milliseconds, count)]
            self.ids |= enqueue(self._url, [Task("work", each) for each in payloads], queue=queue)

    def top_up(self) -> None:
        """Enqueue some more if little is left."""
        keys = [f"asynq:{{{queue}}}:pending" for queue in self._queues]
        if min(self._redis.llen(key) for key in keys) < LITTLE:
            self.add(5 * LITTLE)


def enqueue(url: str, tasks: Sequence[Task], **options: Any) -> set[str]:
    """Enqueue *tasks*; return their IDs."""
    common = EnqueueOptions(**{"max_retry": 100, **options})
    with Client(url) as client:
        stored = client.enqueue_many([(task, common) for task in tasks])
    ids = {each.info.id for each in stored if each.info}
    assert len(ids) == len(tasks)
    return ids
