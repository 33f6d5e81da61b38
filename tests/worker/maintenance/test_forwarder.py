"""Tasks that are due are forwarded."""

import logging

from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.maintenance.forwarder import Forwarder
from tests.support.builders import make_data, make_keys, make_resources

KEYS = make_keys()
OTHER = make_keys("other")
LONG_AGO_S = 1_000


async def test_forwarder_runs_scheduled_tasks_when_due_and_never_early(work):
    started_ns, due_ns = {}, {}
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        seconds, microseconds = work.redis.time()
        started_ns[ctx.task_id] = (seconds * 1_000_000 + microseconds) * 1_000

    infos = [await work.enqueue("email", process_in=delay) for delay in (0.15, 0.3, 1.1)]
    for info in infos:
        stored = work.redis.hget(f"asynq:{{default}}:t:{info.id}", "process_at_ns")
        due_ns[info.id] = int(stored)
    async with work.serving(mux):
        for info in infos:
            await work.until(info, None)

    assert [info.id for info in infos if started_ns[info.id] < due_ns[info.id]] == []


async def test_a_key_of_another_type_keeps_the_forwarder_from_nothing_else(
    runner, redis_client, caplog
):
    for keys in (KEYS, OTHER):
        redis_client.hset(keys.task("a"), mapping={"msg": make_data(), "state": "retry"})
        redis_client.zadd(keys.retry, {"a": LONG_AGO_S})
    redis_client.set(KEYS.scheduled, "no set")
    config = ServerConfig(queues={KEYS.queue: 1, OTHER.queue: 1})
    forwarder = Forwarder(make_resources(runner, config=config))

    assert await forwarder.forward() == 2
    assert await forwarder.forward() == 0

    (warning,) = [line.getMessage() for line in caplog.records if line.levelno >= logging.WARNING]
    assert warning == (
        "cannot forward all tasks of queue mail: not a sorted set: asynq:{mail}:scheduled; "
        "delete or rename what is there"
    )
