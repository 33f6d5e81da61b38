"""Tasks at the limits of what Go can store are shown and run like any other."""

import asyncio

import pytest

from pyasynq import retry
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.builders import make_data
from tests.support.eventually import eventually_async

MOST, LEAST = 2**63 - 1, -(2**63)

EXTREMES = {
    "deadline in the year 36812": {"deadline": 1 << 40},
    "last deadline": {"deadline": MOST},
    "longest timeout": {"timeout": MOST},
    "longest retention": {"retention": MOST // 2},
    "failed late": {"last_failed_at": MOST},
    "retries": {"retry": 2**31 - 1, "retried": 2**31 - 2},
}
OVER = {
    "first deadline": {"deadline": LEAST},
    "deadline before the epoch": {"deadline": -5},
    "negative timeout": {"timeout": -5},
    "shortest timeout": {"timeout": LEAST},
}
UNUSUAL = {
    "no type": {"type": ""},
    "blank type": {"type": " \n"},
    "long type": {"type": "wait:" + "x" * 20_000},
    "another id": {"id": "other"},
    "no id": {"id": ""},
    "another queue": {"queue": "other"},
    "empty header": {"headers": {"": ""}},
}


def cases(table: dict):
    return pytest.mark.parametrize("fields", table.values(), ids=table)


def store_raw(work, fields: dict, state: str = "pending") -> None:
    """Store task "a" like a foreign client that sets any field."""
    data = make_data(**{"type": "wait", "queue": "default", "timeout": 1800, **fields})
    work.redis.sadd("asynq:queues", "default")
    work.redis.hset("asynq:{default}:t:a", mapping={"msg": data, "state": state})
    work.redis.lpush(f"asynq:{{default}}:{state}", "a")


def lose(work, *ids: str) -> None:
    """Let the lease of active tasks be over."""
    work.redis.zadd("asynq:{default}:lease", dict.fromkeys(ids, 1))


@cases(EXTREMES | OVER | UNUSUAL)
async def test_both_inspectors_show_it(peer, work, inspector, fields):
    store_raw(work, fields)

    ours = await inspector.tasks.get("default", "a")
    theirs = await peer.get("default", "a")

    assert (ours.id, ours.queue) == ("a", "default")
    assert (ours.type, ours.max_retry) == (theirs["type"], theirs["max_retry"])


@pytest.mark.parametrize("fields", [{"id": "other"}, {"id": ""}, {"queue": "other"}])
async def test_a_handler_gets_the_id_and_queue_that_the_task_was_found_by(work, fields):
    mux, seen = ServeMux(), []

    @mux.handler("wait")
    async def handle(ctx, task):
        seen.append((ctx.task_id, ctx.queue))

    store_raw(work, fields)
    async with work.serving(mux):
        await settled(work)

    assert seen == [("a", "default")]


@cases(EXTREMES)
async def test_python_runs_it_and_its_server_keeps_its_presence(work, fields):
    mux = ServeMux()
    started, release, seen = asyncio.Event(), asyncio.Event(), []

    @mux.handler("wait")
    async def handle(ctx, task):
        started.set()
        await release.wait()
        seen.append((ctx.deadline, ctx.remaining(), ctx.retention))

    store_raw(work, fields)
    async with work.serving(mux):
        await started.wait()
        await eventually_async(lambda: work.redis.keys("asynq:workers:*"))
        release.set()
        await settled(work)

    assert len(seen) == 1


@cases(OVER)
async def test_python_ends_it_at_once_when_its_time_is_over(peer, work, fields):
    mux = ServeMux()

    @mux.handler("wait")
    async def handle(ctx, task):
        await asyncio.Event().wait()

    store_raw(work, fields)
    async with work.serving(mux, retry_delay=retry.fixed(3600)):
        await settled(work)

    last_error = (await peer.get("default", "a"))["last_error"]
    assert last_error.startswith("context deadline exceeded")


@cases(EXTREMES | OVER | UNUSUAL)
async def test_it_keeps_no_other_task_from_running(work, fields):
    mux, done = collecting()
    store_raw(work, fields)
    good = [await work.enqueue("email") for _ in range(3)]

    async with work.serving(mux):
        for info in good:
            await work.until(info, None)
        await settled(work)

    assert len(done) == 3


@cases(EXTREMES | OVER | UNUSUAL)
async def test_it_keeps_no_other_task_from_being_recovered(work, fields):
    mux, done = collecting()
    store_raw(work, fields, "active")
    good = await work.enqueue("email", task_id="good")
    work.redis.lmove("asynq:{default}:pending", "asynq:{default}:active")
    lose(work, "a", good.id)

    async with work.serving(mux, retry_delay=retry.fixed(0)):
        await work.until(good, None)
        await settled(work)

    assert done == ["good"]


async def settled(work) -> None:
    """Wait until task "a" has been fetched and is not running."""
    lists = ("asynq:{default}:pending", "asynq:{default}:active")
    await eventually_async(lambda: not work.redis.exists(*lists))


def collecting() -> tuple[ServeMux, list[str]]:
    mux, done = ServeMux(), []

    @mux.handler("email")
    async def handle(ctx, task):
        done.append(ctx.task_id)

    @mux.handler("wait")
    async def wait(ctx, task): ...

    return mux, done
