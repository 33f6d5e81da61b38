"""Names and values in Redis that somebody has made long or odd do not fill the log."""

import logging

import pytest

from pyasynq.task import Task
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.builders import make_data
from tests.support.eventually import eventually_async

LONG = "x" * 100_000
LONGEST_LINE = 5_000


def lines(caplog):
    return [line for line in caplog.records if line.name.startswith("pyasynq")]


async def test_a_long_name_of_anything_is_a_short_line(work, caplog):
    caplog.set_level(logging.DEBUG, "pyasynq")
    mux = ServeMux()
    mux.aggregator("*", max_size=1, grace_period=1)(lambda _group, _tasks: Task(LONG))
    failed = make_data(type=LONG, id=LONG, retry=0)

    for name in ("wrong", "damaged", "fails"):
        data = make_data() if name == "fails" else b"\xff"
        work.redis.hset(f"asynq:{{default}}:t:{name}{LONG}", "msg", data)
        work.redis.zadd(f"asynq:{{default}}:g:{name}{LONG}", {f"{name}{LONG}": 1})
        work.redis.sadd("asynq:{default}:groups", f"{name}{LONG}")
    work.redis.delete(f"asynq:{{default}}:g:wrong{LONG}")
    work.redis.set(f"asynq:{{default}}:g:wrong{LONG}", "no set")
    for task_id, data in ((f"unreadable{LONG}", b"\xff"), (LONG, failed)):
        work.redis.hset(f"asynq:{{default}}:t:{task_id}", "msg", data)
        work.redis.lpush("asynq:{default}:pending", task_id)
    work.redis.lpush("asynq:{default}:pending", f"ghost{LONG}")
    async with work.serving(mux, group_grace_period=1):
        for text in ("cannot aggregate", "cannot be read", "dropped 1 ids", "handler not found"):
            await eventually_async(lambda text=text: text in caplog.text)

    texts = [line.getMessage() for line in lines(caplog)]
    assert [text[:200] for text in texts if len(text) > LONGEST_LINE] == []
    fields = [value for line in lines(caplog) for value in vars(line).values()]
    extras = [each for each in fields if isinstance(each, str) and len(each) > 10_000]
    assert extras == []


async def test_a_flood_of_ids_without_tasks_is_a_line_a_second(work, caplog):
    ids = [str(number) for number in range(20_000)]
    work.redis.lpush("asynq:{default}:pending", *ids)

    async with work.serving(ServeMux()):
        await eventually_async(lambda: work.redis.llen("asynq:{default}:pending") == 0)
        await eventually_async(lambda: "more ids without a task" in caplog.text)

    dropped = [line.getMessage() for line in lines(caplog) if "without a task" in line.getMessage()]
    assert len(dropped) < 30  # of some 200 calls that dropped ids


def beats(work):
    """How many heartbeats Redis has had."""
    return work.redis.info("commandstats")["cmdstat_setex"]["calls"]


@pytest.mark.parametrize("key", ["servers", "workers", "queues"])
async def test_a_global_key_of_another_type_is_an_error_once_and_the_server_works(
    work, caplog, key
):
    mux, ran = ServeMux(), []

    @mux.handler("a")
    async def handle(ctx, task):
        ran.append(ctx.task_id)

    info = await work.enqueue("a")
    work.redis.delete(f"asynq:{key}")
    work.redis.set(f"asynq:{key}", "of another type")
    async with work.serving(mux) as server:
        await work.until(info, None)
        for _ in range(3):
            beats = work.redis.info("commandstats")["cmdstat_setex"]["calls"]
            await eventually_async(
                lambda beats=beats: (
                    work.redis.info("commandstats")["cmdstat_setex"]["calls"] > beats
                )
            )
        assert server.is_ready

    told = [line for line in lines(caplog) if "tools cannot see" in line.getMessage()]
    assert ran == [info.id]
    assert len(told) == (0 if key == "queues" else 1)
