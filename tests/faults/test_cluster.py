"""A cluster under load: nodes are killed, replicas take over, and slots move with their tasks.

A cluster replicates without waiting: what a node has acknowledged may be lost when it is killed at
once. So before a kill producers of its queue wait until its replica has everything; what else has
not arrived there are outcomes and dequeues of the last moment, whose tasks run again.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator

import pytest
from redis.crc import key_slot

from tests.faults.figures import show
from tests.faults.shift import IMPATIENT, Shift, shift
from tests.support.eventually import eventually, eventually_async
from tests.support.redis_cluster import RedisCluster, call
from tests.support.redis_server import RedisServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

QUEUES = ("default", "low", "mail", "a", "b", "c")  # on three nodes
CONCURRENCY = 10
MOST_AHEAD = 50  # tasks of a queue by which producers are ahead of the worker
SETTINGS = {"queues": dict.fromkeys(QUEUES, 1), "concurrency": CONCURRENCY}


@pytest.fixture(scope="module")
def started():
    cluster = RedisCluster(replicas=1, node_timeout_ms=1500)
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(started):
    with started.client() as client:
        client.flushall()
    yield started
    for node in started.nodes:
        if node.process is None:
            node.start()
        os.kill(node.pid, signal.SIGCONT)
    started.until_whole()


def slot_of(queue: str) -> int:
    return key_slot(f"asynq:{{{queue}}}:pending".encode())


def states(cluster: RedisCluster) -> dict[str, int]:
    """Return how many tasks the queues have in each state, and their counters of all days."""
    found: dict[str, int] = {}
    with cluster.client() as client:
        for queue in QUEUES:
            prefix = f"asynq:{{{queue}}}:"
            for name in ("pending", "active"):
                found[name] = found.get(name, 0) + client.llen(prefix + name)
            for name in ("lease", "retry", "scheduled", "archived", "completed"):
                found[name] = found.get(name, 0) + client.zcard(prefix + name)
            for name in ("processed", "failed"):
                found[name] = found.get(name, 0) + int(client.get(prefix + name) or 0)
    return found


class Producers:
    """One for each queue; they enqueue until they are told to stop."""

    def __init__(self, work: Shift) -> None:
        self._work = work
        self._may_go_on = {queue: asyncio.Event() for queue in QUEUES}
        self._is_between = {queue: asyncio.Event() for queue in QUEUES}
        self._is_over = False
        self.counts = dict.fromkeys(QUEUES, 0)
        for event in self._may_go_on.values():
            event.set()

    async def produce(self, queue: str) -> None:
        while not self._is_over:
            self._is_between[queue].set()
            await self._may_go_on[queue].wait()
            if self.counts[queue] - self._work.ended_of[queue] > MOST_AHEAD:
                await asyncio.sleep(0.01)
                continue
            self._is_between[queue].clear()
            await self._work.enqueue(1, queue=queue)
            self.counts[queue] += 1
        self._is_between[queue].set()

    async def pause(self, *queues: str) -> None:
        """Let no call be under way to *queues*."""
        for queue in queues:
            self._may_go_on[queue].clear()
            self._is_between[queue].clear()
            await self._is_between[queue].wait()

    def go_on(self) -> None:
        for event in self._may_go_on.values():
            event.set()

    async def until_more(self, count: int, *queues: str) -> None:
        """Wait until *count* more tasks of each queue were stored."""
        wanted = {queue: self.counts[queue] + count for queue in queues or QUEUES}
        await eventually_async(
            lambda: all(self.counts[queue] >= each for queue, each in wanted.items()), within_s=60
        )

    def stop(self) -> None:
        self._is_over = True
        self.go_on()


@contextlib.asynccontextmanager
async def under_load(
    cluster: RedisCluster, *, query: str = "", **settings
) -> AsyncIterator[tuple[Shift, Producers]]:
    """Enqueue and work all the time; at the end wait until everything is done."""
    async with shift(cluster.url + query, **{**SETTINGS, **settings}) as work:
        producers = Producers(work)
        async with asyncio.TaskGroup() as group:
            for queue in QUEUES:
                group.create_task(producers.produce(queue))
            await producers.until_more(20)
            yield work, producers
            producers.stop()

        def is_done() -> bool:
            left = states(cluster)
            return not work.lost and left["pending"] + left["active"] + left["retry"] == 0

        await eventually_async(is_done, within_s=60)


def victim_of(cluster: RedisCluster) -> tuple[RedisServer, RedisServer, list[str]]:
    """Return a primary, its replica, and the queues that it serves."""
    victim = cluster.owner(slot_of("default"))
    mine = [queue for queue in QUEUES if cluster.owner(slot_of(queue)) is victim]
    return victim, cluster.replica_of(victim), mine


def until_replicated(node: RedisServer, queue: str) -> None:
    """Wait until a replica has everything that *node*, which serves *queue*, has acknowledged."""
    with node.client() as client:
        client.set(f"last:{{{queue}}}", 1)  # comes after everything else
        eventually(lambda: client.wait(1, 1000) >= 1)


def report(name: str, work: Shift, cluster: RedisCluster, mine: list[str], **figures) -> None:
    others = [pause for queue, pause in work.pauses.items() if queue not in mine]
    show(
        name,
        tasks=len(work.ids),
        lost=work.lost,
        duplicates=work.duplicates,
        without_progress_s=max(work.pauses[queue] for queue in mine),
        other_nodes_s=max(others, default=0.0),
        **figures,
    )


async def test_a_planned_failover_under_load_loses_nothing_and_repeats_nothing(cluster):
    _victim, replica, mine = victim_of(cluster)

    async with under_load(cluster) as (work, producers):
        await asyncio.to_thread(cluster.promote, replica)
        await producers.until_more(20)

    report("manual failover of a cluster's node", work, cluster, mine)
    assert cluster.owner(slot_of("default")) is replica
    assert (work.lost, work.duplicates) == (0, 0)
    assert states(cluster)["processed"] == len(work.ids)
    assert states(cluster)["failed"] == 0


@pytest.mark.parametrize("rounds", [2, pytest.param(60, marks=pytest.mark.long)])
async def test_slots_that_move_under_load_lose_nothing_and_repeat_nothing(cluster, rounds):
    moved = 0

    def move_all() -> int:
        keys = 0
        for queue in QUEUES:
            source = cluster.owner(slot_of(queue))
            nodes = cluster.primaries()
            target = nodes[(nodes.index(source) + 1) % len(nodes)]
            keys += cluster.move(slot_of(queue), target)
        return keys

    async with under_load(cluster) as (work, producers):
        for _ in range(rounds):
            moved += await asyncio.to_thread(move_all)
            await producers.until_more(5)

    report("slots moved in a loop", work, cluster, list(QUEUES), rounds=rounds, keys_moved=moved)
    assert moved > rounds * len(QUEUES)
    assert (work.lost, work.duplicates) == (0, 0)
    assert states(cluster)["processed"] == len(work.ids)
    assert states(cluster)["failed"] == 0


@pytest.mark.parametrize("how", ["told", pytest.param("by itself", marks=pytest.mark.long)])
async def test_a_node_that_is_killed_under_load_loses_nothing_that_its_replica_has(cluster, how):
    victim, replica, mine = victim_of(cluster)

    # A lease that outlasts the failover: what was dequeued or done in the last moment runs again.
    async with under_load(cluster, lease_duration=8) as (work, producers):
        await producers.pause(*mine)
        await asyncio.to_thread(until_replicated, victim, mine[0])
        ended = len(work.ended)
        victim.kill()
        killed_at = time.monotonic()
        producers.go_on()
        if how == "told":
            await asyncio.to_thread(cluster.promote, replica, "TAKEOVER")
        await eventually_async(lambda: cluster.owner(slot_of("default")) is replica, within_s=60)
        failover_s = time.monotonic() - killed_at
        await producers.until_more(1, *mine)
        recovered_s = time.monotonic() - killed_at
        await producers.until_more(20)

    report(
        f"kill -9 of a cluster's node, its replica takes over {how}",
        *(work, cluster, mine),
        failover_s=failover_s,
        recovered_s=recovered_s,
    )
    assert len(work.ended) > ended
    assert work.lost == 0
    assert work.duplicates <= 3 * CONCURRENCY
    if how == "by itself":
        assert recovered_s <= 2 * failover_s


@pytest.mark.parametrize("how", ["told", pytest.param("by itself", marks=pytest.mark.long)])
async def test_a_node_that_is_frozen_under_load_holds_up_no_other_node(cluster, how):
    victim, replica, mine = victim_of(cluster)
    others = [queue for queue in QUEUES if queue not in mine]

    async with under_load(cluster, query=IMPATIENT, lease_duration=8) as (work, producers):
        await producers.pause(*mine)
        await asyncio.to_thread(until_replicated, victim, mine[0])
        os.kill(victim.pid, signal.SIGSTOP)
        frozen_at = time.monotonic()
        producers.go_on()
        await producers.until_more(5, *others)
        if how == "told":
            await asyncio.to_thread(cluster.promote, replica, "TAKEOVER")
        await eventually_async(lambda: call(replica, "ROLE")[0] == b"master", within_s=60)
        failover_s = time.monotonic() - frozen_at
        await producers.until_more(1, *mine)
        recovered_s = time.monotonic() - frozen_at
        os.kill(victim.pid, signal.SIGCONT)

    report(
        f"cluster's node frozen (SIGSTOP), its replica takes over {how}",
        *(work, cluster, mine),
        failover_s=failover_s,
        recovered_s=recovered_s,
    )
    assert call(replica, "ROLE")[0] == b"master"
    assert work.lost == 0
    assert work.duplicates <= 3 * CONCURRENCY
