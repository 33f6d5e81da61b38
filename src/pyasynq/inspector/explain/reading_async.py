"""Reads what the explanation of a task is made of, in two round trips at most."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import explanation, inspection
from pyasynq.broker.operations.explanation import PlacedTask, ServerReading
from pyasynq.broker.operations.task_lists import container, first_ids
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import PayloadError
from pyasynq.inspector.calls_async import AsyncCalls
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


class AsyncReading:
    """One look at a task, its queue and its servers, which changes nothing.

    Args:
        calls: how to ask Redis.
        queue: the queue.
    """

    def __init__(self, calls: AsyncCalls, queue: str) -> None:
        self._calls = calls
        self._queue = queue
        self._keys = calls.keys_of(queue)

    async def of_task(self, task_id: str) -> Facts:
        """Read a task by its ID."""
        return await self._read(explanation.read_placed_task(self._keys, task_id), task_id)

    async def of_lock(self, lock: str) -> Facts:
        """Read the task that holds a unique lock."""
        return await self._read(explanation.read_holder(self._keys, lock), "")

    async def _read(self, placed: Operation[PlacedTask], task_id: str) -> Facts:
        """Read the task, then what its state asks for.

        Only the node of the queue must answer: of a cluster, others may be away.
        """
        calls, namespace = self._calls, self._calls.namespace
        answers = await calls.run_all_measured(
            [
                placed,
                inspection.list_queues(namespace),
                explanation.list_servers(namespace=namespace),
                inspection.queue_stats(self._keys, now_ns=calls.clock.redis_now_ns()),
            ]
        )
        raise_first(answers[:1])
        task, queues, servers, _stats = answers
        facts = self._facts(task_id, answers)
        if task.kind == "hash" and task.state in OF_SERVERS:
            live = [] if isinstance(servers, BaseException) else servers
            now_s = facts.now_ns // NANOSECONDS
            keys = [key for key, expires_s in live if expires_s >= now_s]
            return replace(facts, **await self._servers(facts, keys))
        if task.kind == "none" and not task.listed and task_id:
            raise_first([queues])
            return replace(facts, **await self._similar(facts))
        return facts

    def _facts(self, task_id: str, answers: Sequence[Any]) -> Facts:
        """Return what the first round trip has brought."""
        task, queues, servers, stats = answers
        clock = self._calls.clock
        now_ns = clock.redis_now_ns()
        message, damage = _message(task)
        return Facts(
            queue=self._queue,
            task_id=task_id or task.task_id,
            now_ns=now_ns,
            offset_ns=now_ns - clock.now_ns(),
            queues=() if isinstance(queues, BaseException) else queues,
            task=task,
            message=message,
            damage=damage,
            stats=None if isinstance(stats, BaseException) else stats,
            unread=_unread(
                {"servers": [servers], "counts of the queue": [stats], "names of queues": [queues]}
            ),
        )

    async def _servers(self, facts: Facts, keys: Sequence[str]) -> dict[str, Any]:
        """Read the servers that are alive, and what other queues hold, if they may come first."""
        is_pending = facts.task.state == TaskState.PENDING
        others = self._other_queues(facts.queues) if is_pending else []
        keys_of, namespace = self._calls.keys_of, self._calls.namespace
        reads: list[Operation[Any]] = [
            explanation.read_server(key, facts.task.task_id, namespace=namespace) for key in keys
        ]
        reads += [explanation.count_pending(keys_of(name)) for name in others]
        reads += [explanation.is_paused(keys_of(name)) for name in others]
        answers = await self._run(reads)
        servers, rest = answers[: len(keys)], answers[len(keys) :]
        counts, pauses = rest[: len(others)], rest[len(others) :]
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
            "unread": {**facts.unread, **_unread({"servers": servers, "other queues": rest})},
        }

    async def _similar(self, facts: Facts) -> dict[str, Any]:
        """Read where else there is a task with this ID, and which IDs resemble it."""
        others = self._other_queues(facts.queues)
        keys_of, task_id = self._calls.keys_of, facts.task_id
        reads: list[Operation[Any]] = [
            inspection.task_state(keys_of(name), task_id) for name in others
        ]
        ends = [(state, is_from_tail) for state in LISTS for is_from_tail in (True, False)]
        reads += [
            first_ids(container(self._keys, state), MOST_IDS, is_from_tail=is_from_tail)
            for state, is_from_tail in ends
        ]
        answers = await self._run(reads)
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

    async def _run(self, reads: Sequence[Operation[Any]]) -> list[Any]:
        """Run the second round trip; raise if nothing answers any longer."""
        answers = await self._calls.run_all(reads) if reads else []
        if all(concerns_redis_as_a_whole(each) for each in answers):
            raise_first(answers)
        return answers

    def _other_queues(self, queues: Sequence[str]) -> list[str]:
        usable = (name for name in queues if name_fault("queue", name) is None)
        return [name for name in usable if name != self._queue][:MOST_QUEUES]


def _unread(answers: Mapping[str, Sequence[object]]) -> dict[str, str]:
    """Return the first error among the answers of each name, as text."""
    errors = {
        name: next((each for each in some if isinstance(each, BaseException)), None)
        for name, some in answers.items()
    }
    return {name: str(error) for name, error in errors.items() if error is not None}


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
