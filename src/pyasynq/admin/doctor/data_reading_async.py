"""Reads the data of tasks, so much of each queue that no call keeps Redis long; changes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pyasynq.admin.doctor.facts import (
    DataFacts,
    QueueFacts,
    SampledTask,
    Untagged,
)
from pyasynq.admin.doctor.keyspace import OWN, Found, is_untagged
from pyasynq.admin.doctor.scan_async import AsyncScan
from pyasynq.answers import raise_first
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import (
    explanation,
    groups,
    inspection,
    maintain,
    probing,
    queue_control,
    task_lists,
)
from pyasynq.broker.operations.explanation import ServerReading
from pyasynq.broker.operations.task_lists import ListedTask
from pyasynq.clock import NANOSECONDS
from pyasynq.connection.connector import Connector
from pyasynq.errors import PayloadError, RedisUnavailableError
from pyasynq.inspector.calls_async import AsyncCalls
from pyasynq.inspector.explain.facts import LiveServer
from pyasynq.task import TaskState
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import decode

MOST_QUEUES = 500
MOST_SERVERS = 1000
SAMPLE = 100  # tasks of each state
ACTIVE_SAMPLE = 500
MOST_GROUPS = 100
PART = 1000  # keys that one call of a scan looks at
CHECKED = 200  # tasks and locks that are looked up in one round trip
STATES = tuple(each for each in TaskState if each is not TaskState.AGGREGATING)
UNTAGGED = ("pending", "active", "lease", "scheduled", "retry", "archived", "completed")


class AsyncDataReading:
    """One look at all queues and servers.

    Args:
        calls: how to ask Redis.
        connector: how to reach one node of a cluster, for a scan of its keys.
    """

    def __init__(self, calls: AsyncCalls, connector: Connector) -> None:
        self._calls = calls
        self._scan = AsyncScan(calls, connector)
        self._namespace = calls.namespace

    async def read(self, scan: int) -> DataFacts:
        """Read samples of all queues, and *scan* keys of each server of Redis.

        The clock must have been compared with that of Redis before.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        calls, namespace = self._calls, self._namespace
        answers = await calls.run_all(
            [
                inspection.list_queues(namespace),
                probing.list_index("servers", namespace=namespace, limit=MOST_SERVERS),
                probing.list_index("schedulers", namespace=namespace, limit=MOST_SERVERS),
            ]
        )
        raise_first(answers, which=lambda error: isinstance(error, RedisUnavailableError))
        what = ("names of queues", "servers", "schedulers")
        failed = {
            name: str(answer)
            for name, answer in zip(what, answers, strict=True)
            if isinstance(answer, BaseException)
        }
        names, servers, schedulers = (
            [] if isinstance(each, BaseException) else each for each in answers
        )
        now_ns = calls.clock.redis_now_ns()
        facts = DataFacts(now_ns=now_ns, names=names, failed=failed)
        found = await self._scan.keys(scan) if scan else None
        tagged = [name for name in names if not is_untagged(name)]
        odd = dict.fromkeys(filter(is_untagged, names), True)
        if found is not None:
            facts = _with_scan(facts, found)
            odd = {**dict.fromkeys(filter(is_untagged, sorted(found.queues)), False), **odd}
        queues = [await self._queue(name, now_ns) for name in tagged[:MOST_QUEUES]]
        if found is not None:
            queues = [await self._scan.looked_up(each, found) for each in queues]
        return replace(
            facts,
            queues=queues,
            untagged=[await self._untagged(*each) for each in odd.items()],
            **await self._shown(servers, schedulers, now_ns),
        )

    async def _shown(
        self,
        servers: Sequence[tuple[str, float]],
        schedulers: Sequence[tuple[str, float]],
        now_ns: int,
    ) -> dict[str, Any]:
        """Return which servers and schedulers are alive, and which are gone."""
        now_s = now_ns // NANOSECONDS
        namespace = self._namespace
        alive = [key for key, expires_s in servers if expires_s >= now_s]
        readings = await self._all(
            [explanation.read_server(key, "", namespace=namespace) for key in alive]
        )
        gone = [("server", key, expires_s) for key, expires_s in servers if expires_s < now_s]
        gone += [("scheduler", key, until_s) for key, until_s in schedulers if until_s < now_s]
        return {
            "servers": [
                LiveServer(record=each.record, handled=each.handled)
                for each in readings
                if isinstance(each, ServerReading) and each.record is not None
            ],
            "gone": gone,
            "schedulers": [key for key, expires_s in schedulers if expires_s >= now_s],
        }

    async def _queue(self, name: str, now_ns: int) -> QueueFacts:
        """Read a queue, in one round trip or two."""
        keys = QueueKeys(name, self._namespace)
        now_s = now_ns // NANOSECONDS
        reads: list[Operation[Any]] = [
            inspection.queue_stats(keys, now_ns=now_ns),
            maintain.list_lease_expired(keys, cutoff_s=now_s, limit=SAMPLE),
            groups.list_groups(keys, count=MOST_GROUPS),
            *(_sample(keys, state) for state in STATES),
        ]
        answers = await self._all(reads)
        stats, leases, listed, *samples = answers
        failed = {
            what: str(answer)
            for what, answer in zip(("counts", "leases", "groups", *STATES), answers, strict=True)
            if isinstance(answer, BaseException)
        }
        names = [] if isinstance(listed, BaseException) else listed[1][:MOST_GROUPS]
        return QueueFacts(
            name=name,
            stats=None if isinstance(stats, BaseException) else stats,
            samples={
                state: _sampled(sample.tasks)
                for state, sample in zip(STATES, samples, strict=True)
                if not isinstance(sample, BaseException)
            },
            leases=()
            if isinstance(leases, BaseException)
            else tuple(each.task_id for each in leases.tasks),
            groups=await self._groups(keys, names),
            failed=failed,
        )

    async def _groups(self, keys: QueueKeys, names: Sequence[str]) -> dict[str, int]:
        """Count the tasks of each group."""
        answers = await self._all([queue_control.group_size(keys, name) for name in names])
        return {
            name: size for name, size in zip(names, answers, strict=True) if isinstance(size, int)
        }

    async def _untagged(self, name: str, is_listed: bool) -> Untagged:
        """Read which keys there are of a queue whose keys are in many slots."""
        prefix = f"{self._namespace}:{{{name}}}:"
        answers = await self._all([probing.exists(prefix + each) for each in UNTAGGED])
        kept = [
            prefix + each for each, answer in zip(UNTAGGED, answers, strict=True) if answer is True
        ]
        return Untagged(name=name, is_listed=is_listed, kept=kept)

    async def _all(self, reads: Sequence[Operation[Any]]) -> list[Any]:
        """Return for each its answer or its error; raise if Redis is gone."""
        answers = await self._calls.run_all(reads) if reads else []
        raise_first(answers, which=lambda error: isinstance(error, RedisUnavailableError))
        return answers


def _with_scan(facts: DataFacts, found: Found) -> DataFacts:
    listed = {*facts.names}
    unknown = sorted(
        name for name in found.queues - listed if not is_untagged(name) and not name.startswith(OWN)
    )
    return replace(
        facts,
        failed={**facts.failed, **({"keys (SCAN)": found.failed} if found.failed else {})},
        unknown=unknown[:MOST_QUEUES],
        histories=len(found.histories),
        scanned=found.looked_at,
        is_scan_complete=found.is_complete and not found.failed,
    )


def _sample(keys: QueueKeys, state: TaskState) -> Operation[Any]:
    """Return what reads the tasks of a state that come next; the longest active come first."""
    where = task_lists.container(keys, state)
    limit = ACTIVE_SAMPLE if state is TaskState.ACTIVE else SAMPLE
    is_list = where.kind == "list"
    return task_lists.list_tasks(keys, where, first=0, limit=limit, is_from_tail=is_list)


def _sampled(tasks: Sequence[ListedTask]) -> list[SampledTask]:
    return [
        SampledTask(task_id=each.task_id, damage=_damage(each.data), score=each.score)
        for each in tasks
    ]


def _damage(data: bytes | None) -> str | None:
    """Return why a message cannot be read; empty if it can, None if there is none."""
    if not data:
        return None
    try:
        decode(data)
    except PayloadError as error:
        return str(error)
    return ""
