"""Scheduler entries are run, paused and resumed; the blocking twin of this file is generated."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.clock import FakeClock
from pyasynq.errors import (
    ConfigError,
    DuplicateTaskError,
    EntryNotFoundError,
    PayloadError,
    StateError,
    TaskIdConflictError,
)
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.wire.records import SchedulerEntryRecord, encode_scheduler_entry

NOW = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
NOW_S = 2_000_000_000
TICK = "asynq:{low}:x:tick:e"


def show_entry(client, *options, entry_id="e", payload=b'{"n":1}'):
    """Show an entry as a scheduler in Go or Python does."""
    record = SchedulerEntryRecord(
        id=entry_id,
        spec="@every 1h",
        task_type="sweep",
        task_payload=payload,
        enqueue_options=options,
    )
    client.zadd("asynq:schedulers", {"asynq:schedulers:{a}": NOW_S + 10})
    client.rpush("asynq:schedulers:{a}", encode_scheduler_entry(record))


def show_ours(client, **fields):
    show_entry(client, 'Queue("low")')
    client.hset(TICK, mapping={"at": NOW_S - 60, "task": "t1", **fields})


async def test_an_entry_is_run_now_with_all_that_it_shows(redis_url, redis_client):
    show_entry(
        redis_client,
        'Queue("low")',
        "MaxRetry(3)",
        "Timeout(30s)",
        "Deadline(Wed May 18 04:33:20 UTC 2033)",
        "Retention(1h0m0s)",
        'Header(["a","1"])',
        'Header(["b","2"])',
    )

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        task = await inspector.schedulers.run("e")
        stored = await inspector.tasks.get("low", task.id)
        queues = await inspector.queues.list()
        (event,) = await inspector.schedulers.history("e")

    assert (stored.type, stored.payload, stored.state) == ("sweep", b'{"n":1}', "pending")
    assert (stored.max_retry, stored.timeout) == (3, timedelta(seconds=30))
    assert stored.deadline == NOW + timedelta(hours=1)
    assert (stored.retention, stored.headers) == (timedelta(hours=1), {"a": "1", "b": "2"})
    assert queues == ["low"]
    assert (event.task_id, event.enqueued_at) == (task.id, NOW)
    assert 0 < redis_client.ttl("asynq:scheduler_history:e") <= 30 * 86_400


async def test_the_last_of_two_times_counts_as_in_go(redis_url, redis_client):
    show_entry(redis_client, "ProcessAt(Wed May 18 04:33:20 UTC 2033)", "ProcessIn(1m0s)")

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        task = await inspector.schedulers.run("e")

    assert (task.state, task.next_process_at) == ("scheduled", NOW + timedelta(minutes=1))


async def test_a_run_joins_the_group_of_an_entry(redis_url, redis_client):
    show_entry(redis_client, 'Group("letters")')

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        task = await inspector.schedulers.run("e")

    assert (task.queue, task.state, task.group) == ("default", "aggregating", "letters")


async def test_a_run_does_not_count_as_a_tick(redis_url, redis_client):
    show_ours(redis_client)

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        await inspector.schedulers.run("e")

    assert redis_client.hgetall(TICK) == {b"at": b"%d" % (NOW_S - 60), b"task": b"t1"}


@pytest.mark.parametrize(
    ("option", "error"),
    [('TaskID("one")', TaskIdConflictError), ("Unique(1m0s)", DuplicateTaskError)],
)
async def test_a_run_that_is_refused_changes_nothing(redis_url, redis_client, option, error):
    show_entry(redis_client, option)

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        await inspector.schedulers.run("e")
        with pytest.raises(error):
            await inspector.schedulers.run("e")
        history = await inspector.schedulers.history("e")

    assert len(history) == 1


@pytest.mark.parametrize(
    ("option", "error"), [("Colour(1)", PayloadError), ("Unique(1ms)", ConfigError)]
)
async def test_an_option_that_cannot_be_used_is_told(redis_url, redis_client, option, error):
    show_entry(redis_client, option)

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        with pytest.raises(error):
            await inspector.schedulers.run("e")

    assert not redis_client.exists("asynq:queues")


async def test_a_pause_is_shown_with_who_made_it_and_why(redis_url, redis_client):
    show_ours(redis_client)
    redis_client.expire(TICK, 3600)

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        (before,) = await inspector.schedulers.entries()
        await inspector.schedulers.pause("e", by="ann", reason="rain")
        (paused,) = await inspector.schedulers.entries()
        lives_on = redis_client.ttl(TICK) == -1
        await inspector.schedulers.resume("e")
        (after,) = await inspector.schedulers.entries()

    assert (before.is_pausable, before.is_paused) == (True, False)
    assert before.last_tick_at == NOW - timedelta(minutes=1)
    assert (paused.is_paused, paused.paused_by, paused.pause_reason) == (True, "ann", "rain")
    assert paused.paused_since == NOW
    assert lives_on
    assert after == before


async def test_an_entry_is_paused_and_resumed_once(redis_url, redis_client):
    show_ours(redis_client)

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        with pytest.raises(StateError, match="scheduler entry 'e' is not paused"):
            await inspector.schedulers.resume("e")
        await inspector.schedulers.pause("e", by="ann")
        with pytest.raises(StateError, match="scheduler entry 'e' is already paused"):
            await inspector.schedulers.pause("e", by="bob")
        (entry,) = await inspector.schedulers.entries()

    assert entry.paused_by == "ann"


async def test_an_entry_of_go_cannot_be_paused(redis_url, redis_client):
    show_entry(redis_client)

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        for call in (inspector.schedulers.pause, inspector.schedulers.resume):
            with pytest.raises(StateError, match="of a scheduler in Go, which knows no pause"):
                await call("e")
        (entry,) = await inspector.schedulers.entries()

    assert (entry.is_pausable, entry.is_paused, entry.last_tick_at) == (False, False, None)
    assert redis_client.keys("*:x:tick:*") == []


async def test_an_entry_that_nobody_shows_is_not_found(redis_url, redis_client):
    show_entry(redis_client)

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        for name in ("run", "pause", "resume"):
            call = getattr(inspector.schedulers, name)
            with pytest.raises(EntryNotFoundError, match="scheduler entry 'x' does not exist"):
                await call("x")
            with pytest.raises(ConfigError, match="entry_id must not be blank"):
                await call(" ")
        with pytest.raises(ConfigError, match="reason must have at most 1000 characters"):
            await inspector.schedulers.pause("e", reason="x" * 1001)


async def test_a_history_is_cleared_and_its_tasks_stay(redis_url, redis_client):
    show_entry(redis_client)

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        task = await inspector.schedulers.run("e")
        for _ in range(2):
            await inspector.schedulers.clear_history("e")
        history = await inspector.schedulers.history("e")
        stored = await inspector.tasks.get("default", task.id)
        with pytest.raises(ConfigError, match="entry_id must not be blank"):
            await inspector.schedulers.clear_history("")

    assert history == []
    assert stored.state == "pending"


@pytest.mark.parametrize(
    "paused", [b"", b"{", b"[]", b'{"by":1,"since":"x"}', b"\xff", b"[" * 9999]
)
async def test_garbage_in_the_records_of_ticks_hides_no_entry(redis_url, redis_client, paused):
    show_ours(redis_client, paused=paused)
    show_entry(redis_client, 'Queue("  ")', "Queue(", entry_id="odd")
    show_entry(redis_client, entry_id="typed")
    redis_client.set("asynq:{default}:x:tick:typed", "x")

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        found = {each.id: each for each in await inspector.schedulers.entries()}

    assert list(found) == ["e", "odd", "typed"]
    assert found["e"].is_paused == bool(paused)
    assert (found["e"].paused_by, found["e"].paused_since) == ("", None)
