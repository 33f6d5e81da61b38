"""The primary is killed while tasks are enqueued, and a replica takes its place: what is lost."""

import asyncio
from uuid import uuid4

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.errors import PyasynqError
from pyasynq.task import Task
from tests.faults.figures import show
from tests.support.eventually import eventually_async
from tests.support.replicas import ReplicatedRedis

pytestmark = pytest.mark.slow

CALLERS = 20
BEFORE_THE_KILL = 200  # tasks
LAG_S = 0.02  # of the replica, so that there is something to lose


async def enqueue_until_it_fails(client, ledger):
    """Enqueue one task after the other; *ledger* gets the ID of each whose enqueue returned."""
    while True:
        task_id = str(uuid4())
        try:
            await client.enqueue(Task("run"), task_id=task_id)
        except PyasynqError:
            return
        ledger.append(task_id)


async def lost_by_a_failover(durability):
    """Return how many tasks were enqueued, and which of them are gone after a failover."""
    pair = ReplicatedRedis(lag_s=LAG_S)
    ledger: list[str] = []
    try:
        url = pair.url(durability=durability, replication_timeout=4)
        async with AsyncClient(url, enqueue_patience=0) as client:
            callers = [
                asyncio.create_task(enqueue_until_it_fails(client, ledger)) for _ in range(CALLERS)
            ]
            await eventually_async(lambda: len(ledger) >= BEFORE_THE_KILL)
            pair.fail_over()
            await asyncio.wait(callers)
        with pair.replica.client() as survivor:
            pipeline = survivor.pipeline(transaction=False)
            for task_id in ledger:
                pipeline.exists(f"asynq:{{default}}:t:{task_id}")
            found = pipeline.execute()
    finally:
        pair.stop()
    return len(ledger), [each for each, is_there in zip(ledger, found, strict=True) if not is_there]


async def test_a_failover_loses_tasks_that_were_not_waited_for():
    """Otherwise the next test would show nothing."""
    tasks, lost = await lost_by_a_failover("")

    show("kill -9 of a primary, not waiting", tasks=tasks, lost=len(lost))
    assert lost


@pytest.mark.parametrize("rounds", [2, pytest.param(25, marks=pytest.mark.long)])
async def test_no_task_is_lost_whose_enqueue_has_returned_when_the_primary_is_killed(rounds):
    tasks, lost = 0, []
    for _ in range(rounds):
        count, missing = await lost_by_a_failover("replicated")
        tasks += count
        lost += missing

    show(f"kill -9 of a primary, {rounds} times", tasks=tasks, lost=len(lost))
    assert tasks >= rounds * BEFORE_THE_KILL
    assert lost == []
