"""What a server counts of task types agrees with the counters of its queues."""

from datetime import UTC, datetime, timedelta

from pyasynq import retry
from pyasynq.clock import FakeClock
from pyasynq.inspector import AsyncInspector
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async

KEYS = queue_keys("default")


async def stats_of(work, *types):
    """Return the statistics as they are shown when this minute is over."""
    later = datetime.now(UTC) + timedelta(minutes=1)
    async with AsyncInspector(work.url, clock=FakeClock(later)) as inspector:
        return [await inspector.types.stats(each) for each in types]


async def test_attempts_are_counted_by_type_as_their_queue_counts_them(work):
    mux = ServeMux()

    async def handle(ctx, task):
        if task.payload == b"fail" and ctx.retry_count < 2:
            raise ValueError

    mux.add("email", handle)
    mux.add("image:", handle)
    await work.enqueue("email", b"fail", max_retry=5)
    await work.enqueue("image:1", b"{}")
    await work.enqueue("nobody", b"{}", max_retry=0)
    async with work.serving(mux, type_statistics=True, retry_delay=retry.fixed(0.01)):
        await eventually_async(lambda: work.count("processed") == 5)

    email, image, nobody = await stats_of(work, "email", "image:1", "nobody")
    assert (email.counts.count, email.counts.failures) == (3, 2)
    assert (image.counts.count, image.counts.failures) == (1, 0)
    assert (nobody.counts.count, nobody.counts.failures) == (1, 1)
    assert work.count("failed") == 3
    assert timedelta(0) < image.counts.run.p50 <= image.counts.run.p99
    assert image.counts.waiting.p50 is not None
    assert [each.queue for each in email.queues] == ["default"]


async def test_a_server_writes_no_more_than_once_a_minute_and_at_its_stop(work, commands):
    infos = [await work.enqueue("email", str(n).encode()) for n in range(20)]
    mux = ServeMux()

    async def handle(ctx, task): ...

    mux.add("email", handle)
    async with work.serving(mux, type_statistics=True):
        for info in infos:
            await work.until(info, None)

    writes = [
        each for each in commands.texts() if each.startswith("EVALSHA") and f"{KEYS.types}:" in each
    ]
    assert 1 <= len(writes) <= 2  # twice if a minute was over meanwhile
    assert (await stats_of(work, "email"))[0].counts.count == 20
    assert not work.redis.keys("*x:attempts*")


async def test_types_are_listed_with_who_handles_them(work):
    mux = ServeMux()

    async def handle(ctx, task): ...

    mux.add("email", handle)
    info = await work.enqueue("email")
    async with work.serving(mux, type_statistics=True), AsyncInspector(work.url) as inspector:
        await work.until(info, None)
        await eventually_async(lambda: work.redis.keys("asynq:x:handled*"))
        before = await inspector.types.list()
    (counted,) = await stats_of(work, "email")

    assert [(each.type, each.servers, each.counts.count) for each in before] == [("email*", 1, 0)]
    assert (counted.servers, counted.counts.count) == (0, 1)
