"""What an inspector does with the entries of a scheduler that runs."""

from datetime import timedelta

import pytest

from pyasynq.inspector.inspector import Inspector
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.task import Task
from tests.support.eventually import eventually_async


async def test_an_entry_is_run_as_its_scheduler_would(redis_url):
    scheduler = Scheduler(redis_url, name="shop")
    task = Task("sweep", b"\xff\x00", headers={"a": "ü(,)"})
    options = {"queue": "lo)w", "max_retry": 2, "timeout": 1.5, "retention": timedelta(days=2)}
    entry_id = scheduler.register("@daily", task, "key", headers={"b": ""}, **options)

    with Inspector(redis_url) as inspector:
        async with scheduler.running():
            await eventually_async(inspector.schedulers.entries)
            info = inspector.schedulers.run(entry_id)
        stored = inspector.tasks.get("lo)w", info.id)

    assert (stored.type, stored.payload) == ("sweep", b"\xff\x00")
    assert stored.headers == {"a": "ü(,)", "b": ""}
    assert (stored.max_retry, stored.timeout) == (2, timedelta(seconds=2))
    assert stored.retention == timedelta(days=2)


@pytest.mark.long
async def test_a_paused_entry_ticks_without_tasks_until_it_is_resumed(redis_url):
    scheduler = Scheduler(redis_url)
    entry_id = scheduler.register("@every 1s", Task("sweep"))

    with Inspector(redis_url) as inspector:

        def size():
            return sum(each.size for each in inspector.queues.infos(memory=False))

        def last_tick():
            return inspector.schedulers.entries()[0].last_tick_at

        async with scheduler.running():
            await eventually_async(lambda: size() and inspector.schedulers.entries())
            inspector.schedulers.pause(entry_id, by="ann")
            held, paused_at = size(), last_tick()
            await eventually_async(lambda: last_tick() >= paused_at + timedelta(seconds=2))
            assert size() == held
            inspector.schedulers.resume(entry_id)
            await eventually_async(lambda: size() > held)
