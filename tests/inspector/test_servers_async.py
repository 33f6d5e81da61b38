"""Servers, schedulers and groups are shown; the blocking twin of this file is generated."""

from datetime import UTC, datetime

import pytest

from pyasynq.clock import FakeClock
from pyasynq.errors import ConfigError, PyasynqError
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.wire.records import (
    EnqueueEventRecord,
    SchedulerEntryRecord,
    ServerRecord,
    WorkerRecord,
    encode_enqueue_event,
    encode_scheduler_entry,
    encode_server,
    encode_worker,
)

NOW = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
NOW_S = 2_000_000_000


def show_server(client, host, server_id, *, expires_s=NOW_S + 10, tasks=()):
    name = f"{{{host}:1:{server_id}}}"
    record = ServerRecord(
        host=host, pid=1, server_id=server_id, queues={"mail": 2}, started_ns=NOW_S * 10**9
    )
    client.zadd("asynq:servers", {f"asynq:servers:{name}": expires_s})
    client.set(f"asynq:servers:{name}", encode_server(record))
    client.zadd("asynq:workers", {f"asynq:workers:{name}": expires_s})
    for number, task_id in enumerate(tasks):
        worker = WorkerRecord(
            server_id=server_id, task_id=task_id, started_ns=(NOW_S - number) * 10**9
        )
        client.hset(f"asynq:workers:{name}", task_id, encode_worker(worker))


async def test_servers_that_are_alive_are_shown_with_what_they_run(redis_url, redis_client):
    show_server(redis_client, "b", "2", tasks=["x", "y"])
    show_server(redis_client, "a", "1")
    show_server(redis_client, "c", "3", expires_s=NOW_S - 1)

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        first, second = await inspector.servers.list()

    assert (first.host, first.id, first.queues, first.started_at) == ("a", "1", {"mail": 2}, NOW)
    assert [task.task_id for task in second.active_workers] == ["y", "x"]
    assert redis_client.zcard("asynq:servers") == 2


async def test_odd_entries_hide_no_server(redis_url, redis_client):
    show_server(redis_client, "good", "1", tasks=["x"])
    redis_client.hset("asynq:workers:{good:1:1}", "broken", b"\xff")
    for number, name in enumerate(["asynq:queues", "", "\n", "asynq:servers:{typed}"]):
        redis_client.zadd("asynq:servers", {name: f"{NOW_S + number}"})
    redis_client.zadd("asynq:servers", {"asynq:servers:{gone}": "inf"})
    redis_client.zadd("asynq:servers", {b"asynq:servers:{\xff}": "1e300"})
    redis_client.lpush("asynq:servers:{typed}", "a")
    redis_client.set(b"asynq:servers:{\xff}", b"\xff")

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        (server,) = await inspector.servers.list()

    assert server.host == "good"
    assert [task.task_id for task in server.active_workers] == ["x"]


async def test_an_index_of_another_type_is_named(redis_url, redis_client):
    redis_client.set("asynq:servers", "x")
    async with AsyncInspector(redis_url) as inspector:
        with pytest.raises(PyasynqError, match="asynq:servers"):
            await inspector.servers.list()


async def test_the_entries_of_schedulers_are_shown(redis_url, redis_client):
    redis_client.zadd(
        "asynq:schedulers", {"asynq:schedulers:{a}": NOW_S, "asynq:schedulers:{b}": 1}
    )
    entries = [
        SchedulerEntryRecord(id=str(number), spec=spec, next_enqueue_ns=NOW_S * 10**9)
        for number, spec in enumerate(["@daily", "*/5 * * * *"])
    ]
    redis_client.lpush("asynq:schedulers:{a}", *map(encode_scheduler_entry, entries), b"\xff")
    redis_client.lpush("asynq:schedulers:{b}", encode_scheduler_entry(entries[0]))

    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        found = await inspector.schedulers.entries()

    assert [(each.id, each.spec, each.next_enqueue_at) for each in found] == [
        ("1", "*/5 * * * *", NOW),
        ("0", "@daily", NOW),
    ]
    assert {each.previous_enqueue_at for each in found} == {None}


async def test_what_an_entry_has_enqueued_is_shown_latest_first(redis_url, redis_client):
    for number in range(5):
        event = EnqueueEventRecord(task_id=str(number), enqueued_ns=(NOW_S + number) * 10**9)
        redis_client.zadd("asynq:scheduler_history:e", {encode_enqueue_event(event): number})
    redis_client.zadd("asynq:scheduler_history:e", {b"\xff": 9})

    async with AsyncInspector(redis_url) as inspector:
        first = await inspector.schedulers.history("e", page_size=3)
        second = await inspector.schedulers.history("e", page=2, page_size=3)
        with pytest.raises(ConfigError, match="page must be from 1"):
            await inspector.schedulers.history("e", page=0)
        with pytest.raises(ConfigError, match="entry_id must not be blank"):
            await inspector.schedulers.history("")

    assert [each.task_id for each in first] == ["4", "3"]
    assert [each.task_id for each in second] == ["2", "1", "0"]
    assert second[2].enqueued_at == NOW


async def test_groups_are_shown_by_name_with_their_sizes(redis_url, redis_client):
    redis_client.sadd("asynq:{mail}:groups", "b", "a", "stale", "typed", b"\xff")
    redis_client.zadd("asynq:{mail}:g:a", {"1": 1, "2": 2})
    redis_client.zadd("asynq:{mail}:g:b", {"3": 1})
    redis_client.set("asynq:{mail}:g:typed", "x")

    async with AsyncInspector(redis_url) as inspector:
        found = await inspector.groups.list("mail")

    assert [(each.group, each.size) for each in found] == [
        ("a", 2),
        ("b", 1),
        ("stale", 0),
        ("typed", 0),
        ("\udcff", 0),
    ]
