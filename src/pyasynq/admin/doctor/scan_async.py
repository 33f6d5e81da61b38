"""Looks at all keys, up to a limit, for tasks that no list names and locks without a task."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pyasynq.admin.doctor.facts import QueueFacts, primaries
from pyasynq.admin.doctor.keyspace import Found, sort_out
from pyasynq.answers import raise_first
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import explanation, inspection, probing, redis_info, task_lists
from pyasynq.broker.operations.explanation import MOST_IDS, PlacedTask
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.connection.connector import Connector
from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.inspector.calls_async import AsyncCalls
from pyasynq.task import TaskState
from pyasynq.wire.keys import QueueKeys

PART = 1000  # keys that one call of a scan looks at, and that are looked up in one round trip
CHECKED = 100  # tasks and locks that are looked up with all that belongs to them
LISTS = (TaskState.PENDING, TaskState.ACTIVE)
IN_GROUPS = frozenset((TaskState.AGGREGATING.value, ""))


class AsyncScan:
    """One walk over the keys of each server of Redis.

    Args:
        calls: how to ask Redis.
        connector: how to reach one node of a cluster.
    """

    def __init__(self, calls: AsyncCalls, connector: Connector) -> None:
        self._calls = calls
        self._connector = connector
        self._namespace = calls.namespace

    async def keys(self, most: int) -> Found:
        """Look at *most* keys of each server of Redis, and sort out those of tasks."""
        found = Found(namespace=self._namespace)
        for node in await self._nodes():
            runner = AsyncRunner(node.open_async(), clock=self._calls.clock)
            try:
                await self._scan_node(runner, most, found)
            except PyasynqError as error:  # most proxies know no SCAN
                found.failed = str(error)
            finally:
                await runner.close()
        return found

    async def _scan_node(self, runner: AsyncRunner, most: int, found: Found) -> None:
        cursor, looked = 0, 0
        pattern = f"{self._namespace}:*"
        while True:
            part = probing.scan_keys(cursor, pattern=pattern, count=min(PART, most))
            cursor, keys = await runner.run(part, patience_s=0.0)
            looked += min(PART, most)
            sort_out(found, keys)
            if not cursor:
                return
            if looked >= most:
                found.is_complete = False
                return

    async def _nodes(self) -> list[Connector]:
        if not self._connector.is_cluster:
            return [self._connector]
        slots = await self._calls.run(redis_info.slots())
        return [self._connector.to_node(*each) for each in primaries(slots)]

    async def looked_up(self, queue: QueueFacts, found: Found) -> QueueFacts:
        """Return *queue* with those of its tasks and locks that were scanned and are astray."""
        keys = QueueKeys(queue.name, self._namespace)
        ids = list(dict.fromkeys(found.tasks.get(queue.name, ())))  # a scan may find a key twice
        locks = list(dict.fromkeys(found.locks.get(queue.name, ())))
        suspects = await self._suspects(keys, ids)
        tasks = await self._all([explanation.read_placed_task(keys, each) for each in suspects])
        holders = await self._all([explanation.read_holder(keys, each) for each in locks])
        return replace(
            queue,
            unlisted={
                task_id: task.state
                for task_id, task in zip(suspects, tasks, strict=True)
                if isinstance(task, PlacedTask) and _is_astray(task)
            },
            locks={
                lock: task.task_id
                for lock, task in zip(locks, holders, strict=True)
                if isinstance(task, PlacedTask) and task.kind == "none" and task.task_id
            },
        )

    async def _suspects(self, keys: QueueKeys, ids: Sequence[str]) -> list[str]:
        """Return which IDs may be in no list, by cheap looks; others may be moved meanwhile."""
        states = await self._all([inspection.task_state(keys, each) for each in ids], PART)
        by_state: dict[str, list[str]] = {}
        for task_id, state in zip(ids, states, strict=True):
            by_state.setdefault(state if isinstance(state, str) else "", []).append(task_id)
        found: list[str] = []
        for state, some in by_state.items():
            found += await self._not_listed(keys, state, some)
        return found

    async def _not_listed(self, keys: QueueKeys, state: str, ids: Sequence[str]) -> Sequence[str]:
        """Return which IDs the list of their state does not name; none if it is too long."""
        if state in IN_GROUPS or state not in set(TaskState):
            return ids
        where = task_lists.container(keys, TaskState(state))
        if where.state in LISTS:
            (listed,) = await self._all([task_lists.first_ids(where, MOST_IDS)])
            if not isinstance(listed, list) or len(listed) == MOST_IDS:
                return ()
            return sorted({*ids} - {*listed})
        scores = await self._all([probing.has_score(where.key, each) for each in ids], PART)
        return [each for each, is_there in zip(ids, scores, strict=True) if is_there is False]

    async def _all(self, reads: Sequence[Operation[Any]], size: int = CHECKED) -> list[Any]:
        """Return for each its answer or its error, some in each round trip.

        Raises:
            RedisUnavailableError: Redis is gone.
        """
        answers: list[Any] = []
        for at in range(0, len(reads), size):
            answers += await self._calls.run_all(reads[at : at + size])
        raise_first(answers, which=lambda error: isinstance(error, RedisUnavailableError))
        return answers


def _is_astray(task: PlacedTask) -> bool:
    """Return whether a task is in no list; not if it may be in a part that was not searched."""
    place = task.place
    if task.state == TaskState.AGGREGATING and not task.group:
        return False  # it may be in any group
    is_listed = place.rank is not None or place.set_deadline_s is not None
    is_in_set = task.state not in (TaskState.PENDING, TaskState.ACTIVE)
    is_known = place.is_searched and (is_in_set or place.size <= explanation.MOST_IDS)
    return task.kind == "hash" and is_known and not is_listed
