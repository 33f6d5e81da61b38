"""What is fetched is read; what cannot be read stops nothing."""

from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async


async def test_a_poisoned_message_does_not_stop_the_others(work, caplog):
    seen = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.task_id)

    work.redis.hset("asynq:{default}:t:bad", mapping={"msg": b"\xff\xff", "state": "pending"})
    work.redis.lpush("asynq:{default}:pending", "bad", "ghost")
    info = await work.enqueue("email")
    async with work.serving(mux):
        await work.until(info, None)
        await eventually_async(
            lambda: work.redis.zrange("asynq:{default}:archived", 0, -1) == [b"bad"]
        )

    assert seen == [info.id]
    (record,) = [each for each in caplog.records if "task bad" in each.getMessage()]
    assert record.getMessage().startswith(
        "task bad of queue default cannot be read; the recoverer archives it: "
    )
    assert (record.exc_info, record.getMessage().count("\n")) == (None, 0)
