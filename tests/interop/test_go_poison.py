"""What cannot be read stops neither worker, and Python clears away what Go trips over."""

import pytest

from pyasynq import retry
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async

POISON = {
    "garbage": {"msg": b"\xff\xff garbage \x00", "state": "pending"},
    "cut off": {"msg": b"\x0a\x7femail", "state": "pending"},
    "type is not unicode": {"msg": b"\x0a\x02\xff\xfe", "state": "pending"},
    "no message": {"state": "pending"},
    "empty message": {"msg": b"", "state": "pending"},
    "no hash": {},
}

each_poison = pytest.mark.parametrize("fields", POISON.values(), ids=POISON)
each_garbage = pytest.mark.parametrize("fields", list(POISON.values())[:3], ids=list(POISON)[:3])


def poison(work, fields: dict, count: int) -> list[str]:
    """Put tasks that cannot be read at the front of the queue; return their IDs."""
    ids = [f"poison-{n}" for n in range(count)]
    work.redis.sadd("asynq:queues", "default")
    for task_id in ids:
        if fields:
            work.redis.hset(f"asynq:{{default}}:t:{task_id}", mapping=fields)
        work.redis.rpush("asynq:{default}:pending", task_id)
    return ids


def collecting() -> tuple[ServeMux, list[str]]:
    mux, seen = ServeMux(), []

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.task_id)

    return mux, seen


@each_poison
async def test_poison_stops_neither_worker_of_a_shared_queue(peer, work, fields):
    mux, here = collecting()

    worker = await peer.serve()
    async with work.serving(mux, concurrency=2):
        infos = []
        for _ in range(20):
            poison(work, fields, 3)
            infos += [await work.enqueue("email") for _ in range(10)]
        for info in infos:
            await work.until(info, None)

    there = [line["id"] for line in worker.printed if line["type"] == "email"]
    assert sorted(here + there) == sorted(info.id for info in infos)
    assert worker.process.poll() is None


@each_poison
async def test_python_runs_what_is_behind_poison(peer, work, fields):
    mux, seen = collecting()
    poison(work, fields, 3)
    await peer.enqueue("email", task_id="good")

    async with work.serving(mux):
        await eventually_async(lambda: seen)

    assert seen == ["good"]


@each_garbage
async def test_python_archives_garbage_that_go_left_behind(peer, work, fields):
    mux, _seen = collecting()
    ids = poison(work, fields, 3)
    worker = await peer.serve()
    await eventually_async(lambda: work.redis.zcard("asynq:{default}:lease") == 3)
    worker.kill()
    work.redis.zadd("asynq:{default}:lease", dict.fromkeys(ids, 1))  # their leases are over

    async with work.serving(mux):
        await eventually_async(lambda: work.redis.zcard("asynq:{default}:archived") == 3)

    stored = [work.redis.hgetall(f"asynq:{{default}}:t:{task_id}") for task_id in ids]
    assert [(each[b"msg"], each[b"state"]) for each in stored] == [(fields["msg"], b"archived")] * 3
    assert work.redis.llen("asynq:{default}:active") == 0
    assert work.redis.zcard("asynq:{default}:lease") == 0


@each_garbage
async def test_tasks_of_go_are_recovered_by_python_beside_garbage(peer, work, fields):
    """One such task keeps Go from recovering any."""
    mux, seen = collecting()
    ids = poison(work, fields, 1)
    work.redis.lrem("asynq:{default}:pending", 1, ids[0])
    await peer.enqueue("email", task_id="good")
    work.redis.lmove("asynq:{default}:pending", "asynq:{default}:active")
    work.redis.hset("asynq:{default}:t:good", "state", "active")
    work.redis.lpush("asynq:{default}:active", *ids)
    work.redis.zadd("asynq:{default}:lease", {"good": 1, ids[0]: 1})

    async with work.serving(mux, retry_delay=retry.fixed(0)):
        await eventually_async(lambda: seen)

    assert seen == ["good"]


async def test_go_still_lists_and_counts_a_queue_from_which_python_took_garbage(peer, work):
    mux, _seen = collecting()
    poison(work, POISON["garbage"], 1)
    async with work.serving(mux):
        await eventually_async(lambda: work.redis.zcard("asynq:{default}:archived") == 1)
        await work.until(await work.enqueue("email"), None)
    info = await work.enqueue("email")

    queue, *found = await peer.run("inspect", "default")

    assert (queue["pending"], queue["active"], queue["archived"]) == (1, 0, 1)
    assert [line["id"] for line in found if "id" in line] == [info.id]
