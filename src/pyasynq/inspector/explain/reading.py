# Generated from reading_async.py by tools/unasync.py: change that file.
"""Reads what the explanation of a task is made of, in two round trips at most."""

from collections.abc import Sequence
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import explanation, inspection
from pyasynq.broker.operations.explanation import PlacedTask, ServerReading
from pyasynq.broker.operations.task_lists import container, first_ids
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import PayloadError
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.explain.facts import Facts, LiveServer, OtherQueue
from pyasynq.inspector.explain.near import near_ids
from pyasynq.options import name_fault
from pyasynq.task import TaskState
from pyasynq.wire.message import TaskMessage, decode
from pyasynq.wire.records import WorkerRecord

MOST_QUEUES = 500  # other queues that are looked at
MOST_IDS = 200  # at each end of each state, that are compared with an unknown ID
OF_SERVERS = frozenset(("pending", "active", "scheduled", "retry", "aggregating"))
LISTS = tuple(each for each in TaskState if each is not TaskState.AGGREGATING)


class Reading:
    """One look at a task, its queue and its servers, which changes nothing.

    Args:
        calls: how to ask Redis.
        queue: the queue.
    """

    def __init__(self, calls: Calls, queue: str) -> None:
        self._calls = calls
        self._queue = queue
        self._keys = calls.keys_of(queue)

    def of_task(self, task_id: str) -> Facts:
        """Read a task by its ID."""
        return self._read(explanation.read_placed_task(self._keys, task_id), task_id)

    def of_lock(self, lock: str) -> Facts:
        """Read the task that holds a unique lock."""
        return self._read(explanation.read_holder(self._keys, lock), "")

    def _read(self, placed: Operation[PlacedTask], task_id: str) -> Facts:
        calls, keys, namespace = self._calls, self._keys, self._calls.namespace
        answers = calls.run_all_measured(
            [
                placed,
                inspection.list_queues(namespace),
                explanation.list_servers(namespace=namespace),
                inspection.queue_stats(keys, now_ns=calls.clock.redis_now_ns()),
            ]
        )
        raise_first(answers[:2])
        raise_first(answers, which=concerns_redis_as_a_whole)
        task, queues, servers, stats = answers
        unread = {
            name: str(answer)
            for name, answer in (("servers", servers), ("counts of the queue", stats))
            if isinstance(answer, BaseException)
        }
        now_ns = calls.clock.redis_now_ns()
        message, damage = _message(task)
        common: dict[str, Any] = {
            "queue": self._queue,
            "task_id": task_id or task.task_id,
            "now_ns": now_ns,
            "offset_ns": now_ns - calls.clock.now_ns(),
            "queues": queues,
            "task": task,
            "message": message,
            "damage": damage,
            "stats": stats if isinstance(stats, inspection.QueueStats) else None,
            "unread": unread,
        }
        if task.kind == "hash" and task.state in OF_SERVERS:
            live = servers if isinstance(servers, list) else []
            keys_of_live = [key for key, expires_s in live if expires_s >= now_ns // NANOSECONDS]
            return Facts(**common, **self._servers(task, keys_of_live, queues))
        if task.kind == "none" and not task.listed and task_id:
            return Facts(**common, **self._similar(task_id, queues))
        return Facts(**common)

    def _servers(
        self, task: PlacedTask, keys: Sequence[str], queues: Sequence[str]
    ) -> dict[str, Any]:
        """Read the servers that are alive, and what other queues hold, if they may come first."""
        others = self._other_queues(queues) if task.state == TaskState.PENDING else []
        reads: list[Operation[Any]] = [
            explanation.read_server(key, task.task_id, namespace=self._calls.namespace)
            for key in keys
        ]
        reads += [explanation.count_pending(self._calls.keys_of(name)) for name in others]
        reads += [explanation.is_paused(self._calls.keys_of(name)) for name in others]
        answers = self._calls.run_all(reads) if reads else []
        raise_first(answers, which=concerns_redis_as_a_whole)
        servers = answers[: len(keys)]
        counts = answers[len(keys) : len(keys) + len(others)]
        pauses = answers[len(keys) + len(others) :]
        found = [each for each in servers if isinstance(each, ServerReading)]
        live = [each for reading in found if (each := _live(reading)) is not None]
        return {
            "servers": tuple(live),
            "worker": _worker(found, self._queue),
            "others": {
                name: OtherQueue(pending=pending, is_paused=is_paused is True)
                for name, pending, is_paused in zip(others, counts, pauses, strict=True)
                if isinstance(pending, int)
            },
        }

    def _similar(self, task_id: str, queues: Sequence[str]) -> dict[str, Any]:
        """Read where else there is a task with this ID, and which IDs resemble it."""
        others = self._other_queues(queues)
        keys_of = self._calls.keys_of
        reads: list[Operation[Any]] = [
            inspection.task_state(keys_of(name), task_id) for name in others
        ]
        ends = [(state, is_from_tail) for state in LISTS for is_from_tail in (True, False)]
        reads += [
            first_ids(container(self._keys, state), MOST_IDS, is_from_tail=is_from_tail)
            for state, is_from_tail in ends
        ]
        answers = self._calls.run_all(reads)
        raise_first(answers, which=concerns_redis_as_a_whole)
        states, lists = answers[: len(others)], answers[len(others) :]
        listed = [
            (each, state.value)
            for (state, _is_from_tail), ids in zip(ends, lists, strict=True)
            if isinstance(ids, list)
            for each in ids
        ]
        return {
            "elsewhere": {
                name: state
                for name, state in zip(others, states, strict=True)
                if isinstance(state, str) and state
            },
            "near_ids": near_ids(task_id, listed),
        }

    def _other_queues(self, queues: Sequence[str]) -> list[str]:
        usable = (name for name in queues if name_fault("queue", name) is None)
        return [name for name in usable if name != self._queue][:MOST_QUEUES]


def _message(task: PlacedTask) -> tuple[TaskMessage | None, str]:
    """Return the message of a task; or None, and why it cannot be read."""
    if task.kind != "hash":
        return None, ""
    if not task.data:
        return None, "it has none"
    try:
        return decode(task.data), ""
    except PayloadError as error:
        return None, str(error)


def _live(reading: ServerReading) -> LiveServer | None:
    """Return a server; None if its record is gone, or cannot be read."""
    if reading.record is None:
        return None
    workers = sorted(reading.workers, key=lambda each: (each.started_ns or 0, each.task_id))
    return LiveServer(record=reading.record, handled=reading.handled, workers=tuple(workers))


def _worker(
    readings: Sequence[ServerReading], queue: str
) -> tuple[LiveServer, WorkerRecord] | None:
    """Return the server that runs the task; an ID is unique in its queue only."""
    for each in readings:
        server = _live(each)
        if server is not None and each.worker is not None and each.worker.queue == queue:
            return server, each.worker
    return None
