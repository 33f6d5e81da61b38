"""Puts tasks into a queue in any state: those that are measured, and those that lie beside them."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from benchmarks.programs.role import PAYLOAD, at_a_rate
from pyasynq import Client, EnqueueOptions, Task
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import dequeue, finish
from pyasynq.broker.operations.dequeue import Leased
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.wire.keys import QueueKeys, queue_keys

TASK = Task("noop", json.dumps(PAYLOAD).encode())
PER_CALL = 10_000  # tasks of one `enqueue_many`
PER_LEASE = 500  # tasks of one dequeue
HOUR_S = 3_600


class Stock:
    """Enqueues no-op tasks on one Redis.

    Args:
        url: where it is.
        payload_bytes: size of each payload; that of the usual small JSON if None.
    """

    def __init__(self, url: str, *, payload_bytes: int | None = None) -> None:
        self._url = url
        self._task = TASK if payload_bytes is None else Task("noop", b"x" * payload_bytes)
        size = len(self._task.payload or b"")
        self._per_call = max(1, min(PER_CALL, (64 << 20) // size))

    def enqueue(
        self, tasks: int, queue: str = "default", *, delay_s: float = 0.0, retention_s: int = 0
    ) -> None:
        """Make *tasks* pending, or scheduled if there is a delay."""
        options = EnqueueOptions(queue=queue, process_in=delay_s or None, retention=retention_s)
        with Client(self._url) as client:
            for start in range(0, tasks, self._per_call):
                count = min(self._per_call, tasks - start)
                client.enqueue_many([(self._task, options)] * count)

    def enqueue_timed(self, samples: int, rate: float | None, delay_s: int) -> None:
        """Enqueue tasks that carry the time at which they are due, in nanoseconds since 1970.

        Args:
            samples: how many.
            rate: how many a second, on average; all in one call if None.
            delay_s: how far in the future they are due, rounded down to whole seconds; 0 for now.
        """
        with Client(self._url) as client:
            if rate is None:
                client.enqueue_many([_timed(delay_s)] * samples)
            else:
                at_a_rate(samples, rate, lambda: client.enqueue(_timed(delay_s)))

    def put(self, tasks: int, state: str) -> None:
        """Bring *tasks* into a state, in which they stay for an hour at least.

        The default queue must have no pending tasks. States: pending, active, scheduled,
        completed, archived.
        """
        self.enqueue(tasks, delay_s=HOUR_S if state == "scheduled" else 0.0)
        if state in ("pending", "scheduled"):
            return
        keys = queue_keys("default", "asynq")
        connector = Connector.of(self._url)
        runner = Runner(connector.open_sync(), clock=SystemClock())
        try:
            for owner, leased in _lease(runner, keys, tasks):
                if state != "active":
                    runner.run(_ended(keys, state, owner, leased))
        finally:
            runner.close()
            connector.close()


def _timed(delay_s: int) -> Task:
    now_ns = time.time_ns()
    if not delay_s:
        return Task("timed", b"%d" % now_ns)
    due_s = now_ns // NANOSECONDS + delay_s
    options = EnqueueOptions(process_at=datetime.fromtimestamp(due_s, UTC))
    return Task("timed", b"%d" % (due_s * NANOSECONDS), options=options)


def _lease(runner: Runner, keys: QueueKeys, tasks: int) -> Iterator[tuple[str, list[Leased]]]:
    """Dequeue *tasks* for an hour, batch by batch, each with its owner."""
    until_s = int(time.time()) + HOUR_S
    for start in range(0, tasks, PER_LEASE):
        count, owner = min(PER_LEASE, tasks - start), f"stock{start}"
        taken = dequeue.dequeue_many(keys, count=count, owner=owner, lease_expires_at_s=until_s)
        yield owner, runner.run(taken).tasks


def _ended(
    keys: QueueKeys, state: str, owner: str, leased: list[Leased]
) -> Operation[list[finish.Verdict]]:
    """Return the operation that completes or archives a batch."""
    now_ns, fence = time.time_ns(), finish.Fence(owner=owner)
    if state == "archived":
        archived = [
            finish.ToArchive(task_id=each.task_id, fence=fence, data=each.data) for each in leased
        ]
        return finish.archive_many(keys, archived, now_ns=now_ns)
    completed = [
        finish.ToComplete(
            task_id=each.task_id,
            fence=fence,
            data=each.data,
            expires_at_s=now_ns // NANOSECONDS + HOUR_S,
        )
        for each in leased
    ]
    return finish.complete_many(keys, completed, now_ns=now_ns)
