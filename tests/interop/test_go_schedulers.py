"""Each language lists the periodic tasks of the other, and what these have enqueued."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.clock import FakeClock
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from tests.support.eventually import eventually_async

HOUR = timedelta(hours=1)
UNREAD = ("Group", "Header", "TaskID")  # asynq v0.26 inspector.go parseOption leaves them out


def shown_by_us(entry):
    return {
        "id": entry.id,
        "spec": entry.spec,
        "type": entry.task_type,
        "payload": entry.payload,
        "options": list(entry.options),
        "next": stamp(entry.next_enqueue_at),
        "prev": stamp(entry.previous_enqueue_at),
    }


def stamp(moment):
    return None if moment is None else int(moment.timestamp())


@pytest.fixture
async def ticked(redis_url, redis_client):
    """A scheduler of ours an hour from now, with an entry that ticked once, and others."""
    clock = FakeClock()  # what is shown must be alive by the clock of the machine
    scheduler = Scheduler(redis_url, name="shop", clock=clock)
    scheduler.register("@hourly", Task("report", b'{"n":1}'), queue="low", max_retry=3)
    scheduler.register(
        "CRON_TZ=Europe/Berlin 30 2 * * *",
        Task("sweep", headers={"a": 'q"'}),
        timeout=90,
        unique=timedelta(minutes=10),
        retention=86_400,
        process_in=1.5,
        deadline=datetime(2027, 1, 2, 15, 4, 5, tzinfo=UTC),
    )
    scheduler.register(timedelta(minutes=90), Task("empty"), group="g")
    async with scheduler.running():
        await eventually_async(lambda: len(redis_client.keys("*x:tick:*")) == 3)
        clock.advance(HOUR)
        await eventually_async(lambda: redis_client.llen(queue_keys("low").pending))
        yield scheduler


async def test_go_lists_our_entries_as_we_do(peer, inspector, ticked):
    ours = []
    while len({each["prev"] for each in ours}) != 2:  # one has ticked
        ours = [shown_by_us(entry) for entry in await inspector.schedulers.entries()]

    of_go = await peer.run("entries")

    for each in ours:
        each["options"] = [text for text in each["options"] if not text.startswith(UNREAD)]
    assert sorted(of_go, key=lambda each: each["spec"]) == ours
    assert [each["spec"] for each in ours] == [
        "@every 5400s",
        "@hourly",
        "CRON_TZ=Europe/Berlin 30 2 * * *",
    ]
    (hourly,) = [each for each in ours if each["spec"] == "@hourly"]
    assert hourly["next"] - hourly["prev"] == HOUR.total_seconds()
    assert hourly["options"] == ["MaxRetry(3)", 'Queue("low")']


async def test_go_lists_what_our_entries_have_enqueued(peer, inspector, ticked, redis_client):
    entry_id = next(each.id for each in ticked.entries if each.queue == "low")
    (task_id,) = redis_client.lrange(queue_keys("low").pending, 0, -1)
    await eventually_async(lambda: redis_client.exists(f"asynq:scheduler_history:{entry_id}"))

    of_go = await peer.run("events", entry_id)
    (ours,) = await inspector.schedulers.history(entry_id)

    assert ours.task_id.encode() == task_id
    assert of_go == [{"task_id": ours.task_id, "enqueued_at": stamp(ours.enqueued_at)}]


async def test_a_task_that_our_scheduler_enqueued_is_run_by_go(peer, ticked, redis_client):
    (task_id,) = redis_client.lrange(queue_keys("low").pending, 0, -1)

    worker = await peer.serve("low")
    await eventually_async(lambda: worker.printed)

    (seen,) = worker.printed
    assert (seen["id"], seen["type"], seen["payload"]) == (task_id.decode(), "report", b'{"n":1}')


async def test_we_list_the_entries_of_go_and_what_they_have_enqueued(peer, inspector, redis_client):
    entry_id = await peer.schedule("@every 1s", "go")
    await eventually_async(lambda: redis_client.keys("asynq:scheduler_history:*"))
    entries = []
    while not entries or entries[0].previous_enqueue_at is None:
        entries = await inspector.schedulers.entries()

    (entry,) = entries
    events = await inspector.schedulers.history(entry_id)

    assert (entry.id, entry.spec, entry.task_type, entry.payload) == (
        *(entry_id, "@every 1s", "go"),
        b"{}",
    )
    assert entry.options == ('Queue("low")', "MaxRetry(3)", "Timeout(1m30s)")
    assert entry.next_enqueue_at > entry.previous_enqueue_at
    pending = redis_client.lrange(queue_keys("low").pending, 0, -1)
    assert {each.task_id.encode() for each in events} <= set(pending)
