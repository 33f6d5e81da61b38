"""A server whose calls are executed while their answers are cut: nothing is lost or counted twice.

test_lost_answers.py shows the same of each script alone.
"""

from datetime import timedelta

import pytest

from pyasynq import retry
from pyasynq.broker.scripts import load
from pyasynq.client_async import AsyncClient
from pyasynq.control_flow import SkipRetry
from pyasynq.task import Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.faults.figures import show
from tests.faults.shift import CALM
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async

pytestmark = pytest.mark.timeout(60)

COUNTERS = ("processed", "failed")
# script → (what the handler does in its first attempt, options, runs, processed, failed, state)
CASES = {
    "dequeue_many": ("ends", {}, 1, 1, 0, None),
    "done_many": ("ends", {}, 1, 1, 0, None),
    "complete_many": ("ends", {"retention": timedelta(hours=1)}, 1, 1, 0, b"completed"),
    "retry_many": ("fails", {}, 2, 2, 1, None),
    "archive_many": ("gives up", {}, 1, 1, 1, b"archived"),
    "extend_lease": ("waits", {}, 1, 1, 0, None),
    "write_result": ("writes", {"retention": timedelta(hours=1)}, 1, 1, 0, b"completed"),
    "write_presence": ("waits", {}, 1, 1, 0, None),
    "forward": ("ends", {"process_in": 0.3}, 1, 1, 0, None),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_lost_answer_changes_nothing_for_the_task(
    name, redis_server, redis_url, redis_client
):
    does, options, runs, processed, failed, state = CASES[name]
    attempts = 0
    mux = ServeMux()

    @mux.handler("work")
    async def work(ctx, task):
        nonlocal attempts
        attempts += 1
        if does == "fails" and attempts == 1:
            raise ValueError
        if does == "gives up":
            raise SkipRetry
        if does == "writes":
            await ctx.awrite_result(b"half")
        if does == "waits":
            await eventually_async(lambda: proxy.cuts == 1)

    with ChaosProxy(redis_server.port) as proxy:
        config = ServerConfig(**{**CALM, "retry_delay": retry.fixed(0.1)})
        async with Server(proxy.url, config).running(mux):
            redis_client.script_load(load(name).source)
            proxy.cut_after = load(name).digest.encode()
            key = "asynq:{default}:t:it"
            async with AsyncClient(redis_url) as client:
                await client.enqueue(Task("work"), task_id="it", **options)
            await eventually_async(lambda: proxy.cuts == 1)
            await eventually_async(lambda: redis_client.hget(key, "state") == state)
            counts = [int(redis_client.get(f"asynq:{{default}}:{each}") or 0) for each in COUNTERS]

    show(f"answer of {name} cut", tasks=1, lost=0, duplicates=attempts - runs)
    assert (attempts, *counts) == (runs, processed, failed)
    assert redis_client.llen("asynq:{default}:active") == 0
    assert redis_client.zcard("asynq:{default}:lease") == 0
