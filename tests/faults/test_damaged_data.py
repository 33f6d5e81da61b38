"""Somebody deletes or spoils what is in Redis while tasks run: the rest is unharmed."""

import asyncio

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.task import Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.faults.figures import show
from tests.faults.shift import CALM, repeated_lines, shift
from tests.support.eventually import eventually_async

pytestmark = pytest.mark.timeout(60)

SPOILT = ("pending", "active", "lease", "scheduled", "retry", "archived", "completed", "x:waiters")


async def test_after_flushall_handlers_are_cancelled_with_one_log_line_and_the_next_tasks_run(
    redis_url, redis_client, caplog
):
    ended: list[str] = []
    running: list[str] = []
    mux = ServeMux()

    @mux.handler("endless")
    async def endless(ctx, task):
        running.append(ctx.task_id)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(ctx.task_id)

    @mux.handler("work")
    async def work(ctx, task):
        ended.append("next")

    async with AsyncClient(redis_url) as client:
        async with Server(redis_url, ServerConfig(**CALM)).running(mux):
            for _ in range(10):
                await client.enqueue(Task("endless"))
            await eventually_async(lambda: len(running) == 10)
            redis_client.flushall()
            await eventually_async(lambda: len(ended) == 10)
            await client.enqueue(Task("work"))
            await eventually_async(lambda: "next" in ended)
            await eventually_async(lambda: not redis_client.keys("asynq:{default}:t:*"))
    logged = [line for line in caplog.messages if "lost the leases of" in line]

    show("FLUSHALL while 10 handlers run", tasks=11, lost=0, duplicates=0, lines=len(logged))
    assert len(logged) == 1
    assert "lost the leases of 10 running tasks" in logged[0]
    assert repeated_lines(caplog) == {}


@pytest.mark.parametrize("name", SPOILT)
async def test_a_key_of_a_wrong_type_harms_its_own_queue_only_and_is_asked_for_now_and_then(
    name, redis_url, redis_client, caplog
):
    key = f"asynq:{{bad}}:{name}"
    async with shift(
        redis_url, queues={"bad": 1, "good": 1}, concurrency=1, janitor_interval=0.1
    ) as work:
        with redis_client.pipeline() as spoil:
            spoil.delete(key).hset(key, "a", "b").execute()
        before = redis_client.info("stats")["total_error_replies"]
        await work.enqueue(100, queue="good")
        await work.until(100)
        refused = redis_client.info("stats")["total_error_replies"] - before
        redis_client.delete(key)
        await work.enqueue(1, queue="bad")
        await work.until(101)

    show(
        f"{name} of a queue has a wrong type",
        tasks=101,
        lost=work.lost,
        duplicates=work.duplicates,
        refused_calls=refused,
    )
    assert (work.lost, work.duplicates) == (0, 0)
    # Forwarder and janitor ask at their intervals; the processor would at each of 100 turns.
    assert refused < (30 if name in ("pending", "active", "lease") else 80)
    assert repeated_lines(caplog) == {}


async def test_a_task_whose_hash_is_evicted_while_it_runs_is_finished_or_forgotten_alone(
    redis_url, redis_client
):
    async with shift(redis_url, concurrency=5) as work:
        await work.enqueue(50)
        evicted = 0
        while len(work.ended) < 50:
            for task_id in set(work.started) - set(work.ended):
                evicted += redis_client.delete(f"asynq:{{default}}:t:{task_id}")
            await asyncio.sleep(0)
        await work.enqueue(10)
        await work.until(60)
        await eventually_async(lambda: redis_client.llen("asynq:{default}:active") == 0)

    show(
        "hash evicted while its task runs",
        tasks=60,
        lost=work.lost,
        duplicates=work.duplicates,
        evicted=evicted,
    )
    assert evicted > 0
    assert (work.lost, work.duplicates) == (0, 0)


async def test_an_outcome_that_redis_refuses_takes_no_other_with_it(
    redis_url, redis_client, caplog
):
    """It cannot be retried, for the retry set has a wrong type; the others go on being written."""
    mux = ServeMux()

    @mux.handler("work")
    async def work(ctx, task):
        if ctx.task_id == "bad":
            raise ValueError

    redis_client.hset("asynq:{default}:retry", "a", "b")
    async with AsyncClient(redis_url) as client:
        async with Server(redis_url, ServerConfig(**CALM)).running(mux):
            await client.enqueue(Task("work"), task_id="bad")
            count = 0
            while not given_up(caplog):
                await client.enqueue(Task("work"), task_id=f"good {count}")
                count += 1
            await eventually_async(lambda: len(redis_client.keys("asynq:{default}:t:*")) == 1)

    show("an outcome is refused", tasks=count + 1, lost=0, duplicates=0)
    assert given_up(caplog) == ["bad"]
    assert int(redis_client.get("asynq:{default}:processed")) == count


def given_up(caplog) -> list[str]:
    return [each.task_id for each in caplog.records if "refuses the outcome" in each.message]
