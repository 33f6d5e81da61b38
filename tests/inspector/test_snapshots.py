# Generated from test_snapshots_async.py by tools/unasync.py: change that file.
"""A snapshot tells the same as looking at everything, by cheap commands alone."""

import time

from pyasynq.inspector import snapshots
from pyasynq.inspector.inspector import Inspector
from pyasynq.wire.keys import queue_keys
from tests.support import every_state
from tests.support.commands import Commands

KEYS = queue_keys("mail")
COUNTS = (
    *("pending", "active", "scheduled", "retry", "archived", "completed", "aggregating"),
    *("groups", "size", "is_paused"),
)
CHEAP = {
    *("time", "smembers", "zrangebyscore", "get", "lrange", "llen", "zcard", "scard", "mget"),
    *("hget", "sscan"),
}


def taken(redis_url):
    with Inspector(redis_url) as inspector:
        return inspector.snapshots.take()


def test_counts_are_those_of_the_queues(redis_url, redis_client):
    now_s = int(time.time())
    every_state.fill(redis_client, now_s)
    redis_client.mset({KEYS.processed: 547, KEYS.failed: 30})

    with Inspector(redis_url) as inspector:
        snapshot = inspector.snapshots.take()
        infos = inspector.queues.infos(memory=False)

    assert set(snapshot.queues) == set(every_state.QUEUES)
    for info in infos:
        counts = snapshot.queues[info.queue]
        assert [getattr(counts, name) for name in COUNTS] == [
            getattr(info, name) for name in COUNTS
        ]
        assert counts.processed == info.processed_total
        assert counts.failed == info.failed_total
    assert snapshot.queues["mail"].oldest_pending_ns == (now_s - 95) * 10**9


def test_servers_and_schedulers_have_another_mark_when_their_records_change(
    redis_url, redis_client
):
    every_state.fill(redis_client, int(time.time()))
    (scheduler,) = redis_client.zrange("asynq:schedulers", 0, -1)
    first = taken(redis_url)

    redis_client.set("asynq:servers:{web-1:4117:web-1}", "another record")
    redis_client.rpush(scheduler, "another entry")
    redis_client.zadd("asynq:servers", {"asynq:servers:{web-2:42:web-2}": 1})
    second = taken(redis_url)

    (web_1,) = second.servers
    assert set(first.servers) == {web_1, "asynq:servers:{web-2:42:web-2}"}
    assert first.servers[web_1].mark != second.servers[web_1].mark
    assert first.servers[web_1].until_s == second.servers[web_1].until_s
    assert first.schedulers.keys() == second.schedulers.keys() == {scheduler.decode()}
    assert first.schedulers[scheduler.decode()].mark != second.schedulers[scheduler.decode()].mark


def test_a_scheduler_with_very_many_entries_is_another_one_when_it_shows_itself(
    redis_url, redis_client
):
    redis_client.rpush("asynq:schedulers:{a}", *("entry" for _ in range(102)))
    marks = []
    for until_s in (4_000_000_000, 4_000_000_000, 4_000_000_005):
        redis_client.zadd("asynq:schedulers", {"asynq:schedulers:{a}": until_s})
        marks.append((taken(redis_url)).schedulers["asynq:schedulers:{a}"].mark)

    assert (marks[0] == marks[1], marks[1] == marks[2]) == (True, False)


def test_members_of_very_many_groups_are_estimated(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    for number in range(500):
        redis_client.sadd(KEYS.groups, f"group {number}")
        redis_client.zadd(KEYS.group(f"group {number}"), {"a": 1, "b": 2})

    counts = (taken(redis_url)).queues["mail"]

    assert (counts.groups, counts.aggregating) == (500, 1000)


def test_a_key_of_a_wrong_type_counts_as_empty_and_hides_no_other(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail", "orders", "")
    for key in (KEYS.pending, KEYS.retry, KEYS.groups):
        redis_client.set(key, "x")
    redis_client.zadd(KEYS.archived, {"a": 1})
    redis_client.hset(KEYS.processed, "a", "b")
    redis_client.lpush(queue_keys("orders").pending, "a")

    queues = (taken(redis_url)).queues

    assert (queues["mail"].size, queues["mail"].archived, queues["mail"].processed) == (1, 1, 0)
    assert queues["orders"].pending == 1
    assert queues["orders"].oldest_pending_ns is None


def test_only_cheap_commands_are_sent_and_nothing_is_written(redis_url, redis_client, redis_server):
    every_state.fill(redis_client, int(time.time()))
    redis_client.zadd("asynq:servers", {"asynq:servers:{gone}": 1})
    with Inspector(redis_url) as inspector:
        inspector.snapshots.take()
        with Commands(redis_server) as commands:
            inspector.snapshots.take()
            sent = commands.sent()

    assert set(sent) <= CHEAP
    assert len(sent) == 4 + 2 + 1 + 4 * 9 + 3 + 2 + 2
    assert redis_client.zscore("asynq:servers", "asynq:servers:{gone}") == 1


def test_more_queues_than_fit_in_a_round_trip_are_all_counted(redis_url, redis_client, monkeypatch):
    monkeypatch.setattr(snapshots, "AT_ONCE", 3)
    for number in range(10):
        redis_client.sadd("asynq:queues", f"queue {number}")
        redis_client.lpush(queue_keys(f"queue {number}").pending, *range(number + 1))

    queues = (taken(redis_url)).queues

    assert {queue: counts.pending for queue, counts in queues.items()} == {
        f"queue {number}": number + 1 for number in range(10)
    }
