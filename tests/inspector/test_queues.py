# Generated from test_queues_async.py by tools/unasync.py: change that file.
"""Queues are paused, deleted and looked back at; the blocking twin of this file is generated."""

from datetime import UTC, date, datetime, timedelta

import pytest

from pyasynq.client import Client
from pyasynq.clock import FakeClock
from pyasynq.errors import (
    ConfigError,
    PyasynqError,
    QueueAlreadyPausedError,
    QueueNotEmptyError,
    QueueNotFoundError,
    QueueNotPausedError,
    StateError,
)
from pyasynq.inspector.inspector import Inspector
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from tests.support.builders import make_active, make_data
from tests.support.eventually import eventually
from tests.support.golden_state import expires_at
from tests.support.stored_tasks import store

NOW = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
KEYS = queue_keys("mail")


def test_a_pause_tells_who_made_it_and_why(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    with Inspector(redis_url, clock=FakeClock(NOW)) as inspector:
        until = NOW + timedelta(minutes=5)

        inspector.queues.pause("mail", by="zoë", reason="migration", until=until)
        info, (listed,) = inspector.queues.info("mail"), inspector.queues.infos()

    assert info.is_paused
    assert (info.paused_since, info.paused_by, info.pause_reason) == (NOW, "zoë", "migration")
    assert info.paused_until == listed.paused_until == until
    assert redis_client.get(KEYS.paused) == b"2000000000"
    assert expires_at(redis_client, KEYS.paused) == 2_000_000_300


def test_a_pause_without_more_is_as_go_writes_it(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    with Inspector(redis_url, clock=FakeClock(NOW)) as inspector:
        inspector.queues.pause("mail")
        info = inspector.queues.info("mail")

    assert (info.paused_since, info.paused_by, info.paused_until) == (NOW, "", None)
    assert redis_client.keys("asynq:{mail}:*") == [KEYS.paused.encode()]
    assert redis_client.ttl(KEYS.paused) == -1


def test_a_pause_ends_by_itself_when_no_server_runs(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    with Inspector(redis_url) as inspector:
        inspector.queues.pause(
            "mail", reason="a moment", until=datetime.now(UTC) + timedelta(milliseconds=300)
        )
        was_paused = redis_client.exists(KEYS.paused)

        eventually(lambda: not redis_client.exists(KEYS.paused, KEYS.pause_details))
        info = inspector.queues.info("mail")

    assert was_paused
    assert (info.is_paused, info.pause_reason) == (False, "")


@pytest.mark.parametrize("method", ["info", "history", "pause", "unpause", "delete"])
def test_a_blank_queue_is_a_wrong_argument(method, redis_url):
    with Inspector(redis_url) as inspector:
        with pytest.raises(ConfigError, match="queue must not be blank"):
            getattr(inspector.queues, method)(" ")


def test_a_paused_queue_is_not_paused_again_and_keeps_its_reason(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    with Inspector(redis_url) as inspector:
        inspector.queues.pause("mail", reason="first")

        with pytest.raises(QueueAlreadyPausedError, match="queue 'mail' is already paused"):
            inspector.queues.pause("mail", reason="second")
        info = inspector.queues.info("mail")
        inspector.queues.unpause("mail")
        with pytest.raises(QueueNotPausedError, match="queue 'mail' is not paused"):
            inspector.queues.unpause("mail")

    assert info.pause_reason == "first"
    assert redis_client.keys("asynq:{mail}:*") == []


def test_a_reason_is_not_shown_for_a_pause_of_go(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    with Inspector(redis_url) as inspector:
        inspector.queues.pause("mail", reason="mine")
        redis_client.set(KEYS.paused, "5")  # Go has ended it, and paused the queue anew

        info = inspector.queues.info("mail")

    assert (info.is_paused, info.pause_reason) == (True, "")
    assert info.paused_since == datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "details",
    [
        "",
        "x",
        "[]",
        "{}",
        '{"since":5,"by":1,"until_ns":"x"}',
        b"\xff",
        "[" * 100_000,
        '{"since":5,"until_ns":1e400}',
    ],
)
@pytest.mark.parametrize("since", ["5", "", "x", "9" * 40])
def test_odd_details_of_a_pause_are_ignored(details, since, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.set(KEYS.paused, since)
    redis_client.set(KEYS.pause_details, details)

    with Inspector(redis_url) as inspector:
        info = inspector.queues.info("mail")

    assert (info.is_paused, info.paused_by, info.paused_until) == (True, "", None)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"by": None}, "by must be text, not NoneType"),
        ({"by": "x" * 201}, "by must have at most 200 characters"),
        ({"reason": "x" * 1001}, "reason must have at most 1000 characters"),
        ({"until": NOW}, "until must be in the future, not 2033-05-18T03:33:20"),
        ({"until": NOW.replace(tzinfo=None)}, "until has no time zone"),
        ({"until": 60}, "until must be an aware datetime, not int"),
    ],
)
def test_a_wrong_pause_is_refused(arguments, text, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    with Inspector(redis_url, clock=FakeClock(NOW)) as inspector:
        with pytest.raises(ConfigError, match=text):
            inspector.queues.pause("mail", **arguments)

    assert not redis_client.exists(KEYS.paused)


def test_the_history_of_a_queue_begins_today(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.set("asynq:{mail}:processed:2033-05-18", 12)
    redis_client.set("asynq:{mail}:failed:2033-05-18", 3)
    redis_client.set("asynq:{mail}:processed:2033-05-17", "garbage")
    redis_client.hset("asynq:{mail}:failed:2033-05-17", "of", "another type")
    redis_client.set("asynq:{mail}:processed:2033-05-16", 7)

    with Inspector(redis_url, clock=FakeClock(NOW)) as inspector:
        days = inspector.queues.history("mail", 3)
        with pytest.raises(ConfigError, match="days must be from 1 to 366, not 0"):
            inspector.queues.history("mail", 0)
        with pytest.raises(QueueNotFoundError):
            inspector.queues.history("ads")

    assert [(each.date, each.processed, each.failed) for each in days] == [
        (date(2033, 5, 18), 12, 3),
        (date(2033, 5, 17), 0, 0),
        (date(2033, 5, 16), 7, 0),
    ]


def test_the_histories_of_all_queues_are_those_of_each(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail", "ads", "odd", " ")
    redis_client.set("asynq:{mail}:processed:2033-05-18", 5)
    redis_client.set("asynq:{mail}:failed:2033-05-17", 2)
    redis_client.set("asynq:{odd}:processed:2033-05-18", "many")
    redis_client.set("asynq:{odd}:failed:2033-05-18", 2**70)
    redis_client.lpush("asynq:{ads}:processed:2033-05-18", "no counter")

    with Inspector(redis_url, clock=FakeClock(NOW)) as inspector:
        found = inspector.queues.histories(2)
        each = {name: inspector.queues.history(name, 2) for name in ("ads", "mail", "odd")}
        with pytest.raises(ConfigError):
            inspector.queues.histories(367)

    assert found == each
    assert list(found) == ["ads", "mail", "odd"]
    assert [(day.processed, day.failed) for day in found["mail"]] == [(5, 0), (0, 2)]
    assert [(day.processed, day.failed) for day in found["odd"]] == [(0, 0), (0, 0)]


def fill(client):
    """Enqueue tasks of many kinds, with locks and groups."""
    for number in range(3):
        payload = str(number).encode()
        for options in ({}, {"process_in": 60}, {"group": "g"}, {"group": "h", "process_in": 60}):
            client.enqueue(
                Task(f"email:{len(options)}:{options.get('group')}", payload),
                queue="mail",
                unique=60,
                **options,
            )


def test_a_queue_is_deleted_with_all_that_belongs_to_it(redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        fill(client)
        client.enqueue(Task("email"), queue="other", task_id="other")
        for state in ("retry", "archived", "completed"):
            redis_client.hset(KEYS.task(state), mapping={"msg": make_data(), "state": state})
            redis_client.zadd(f"{KEYS.prefix}{state}", {state: 5, "ghost": 6})
        redis_client.zadd(
            KEYS.aggregation_sets, {KEYS.aggregation_set("g", "s"): 5, "asynq:queues": 6}
        )
        redis_client.zadd(KEYS.aggregation_set("g", "s"), {"m": 5})
        redis_client.hset(KEYS.task("m"), mapping={"msg": make_data(), "state": "aggregating"})
        redis_client.set(KEYS.processed, 5)
        redis_client.set(KEYS.processed_on(int(datetime.now(UTC).timestamp())), 5)
        inspector.queues.pause("mail", reason="to be deleted")

        inspector.queues.delete("mail", force=True)

        assert inspector.queues.list() == ["other"]
    assert set(redis_client.keys("*")) == {
        b"asynq:queues",
        b"asynq:{other}:pending",
        b"asynq:{other}:t:other",
    }


def test_what_workers_have_kept_of_a_queue_is_deleted_with_it(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    for name in map(str, range(600)):
        redis_client.zadd(KEYS.attempts, {name: 2_000_000_000})
        redis_client.zadd(KEYS.attempts_of(name), {"{}": 1})
    redis_client.zadd(KEYS.types, {"a/b": 33_333_333})
    redis_client.hset(KEYS.type_counts("a/b"), "33333333", "{}")

    with Inspector(redis_url) as inspector:
        inspector.queues.delete("mail")

    assert redis_client.keys("*") == []


def test_a_queue_with_tasks_is_deleted_only_by_force(redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        fill(client)
        before = sorted(redis_client.keys("*"))

        with pytest.raises(QueueNotEmptyError, match=r"not empty \(12 tasks\); pass force=True"):
            inspector.queues.delete("mail")

    assert sorted(redis_client.keys("*")) == before


def test_a_queue_whose_tasks_run_is_never_deleted(redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        fill(client)
        make_active(redis_client, "a")
        before = sorted(redis_client.keys("*"))

        with pytest.raises(StateError, match="queue 'mail' has 1 running tasks") as caught:
            inspector.queues.delete("mail", force=True)

    assert caught.value.state == "active"
    assert sorted(redis_client.keys("*")) == before


def test_an_empty_queue_is_deleted_and_an_unknown_one_is_an_error(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.set(KEYS.failed, 5)
    with Inspector(redis_url) as inspector:
        inspector.queues.delete("mail")

        with pytest.raises(QueueNotFoundError):
            inspector.queues.delete("mail")

    assert redis_client.keys("*") == []


@pytest.mark.parametrize("key", ["pending", "scheduled", "groups", "aggregation_sets", "lease"])
def test_what_stands_in_the_way_of_deleting_a_queue_is_named(key, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.set(f"{KEYS.prefix}{key}", "text")

    with Inspector(redis_url) as inspector:
        with pytest.raises(PyasynqError, match=rf"wrong type: asynq:\{{mail\}}:{key}"):
            inspector.queues.delete("mail", force=True)

        assert inspector.queues.list() == ["mail"]
    assert redis_client.get(f"{KEYS.prefix}{key}") == b"text"


@pytest.mark.not_on_a_cluster("about a server that is none of a cluster")
def test_a_queue_outside_of_a_cluster_has_no_slot(redis_url):
    with Inspector(redis_url) as inspector:
        for call in (inspector.queues.key_slot, inspector.queues.nodes):
            with pytest.raises(ConfigError, match="this redis is not a cluster"):
                call("mail")
        with pytest.raises(ConfigError, match="this redis is not a cluster"):
            inspector.redis.cluster_info()


def test_the_memory_of_a_queue_is_estimated_from_some_of_its_tasks(redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        payload = b"x" * 1000
        for options in ({}, {"process_in": 60}, {"group": "g"}):
            fields = EnqueueOptions(queue="mail", **options)
            client.enqueue_many([Task("email", payload, options=fields)] * 100)
        client.enqueue(Task("email"), queue="small")

        mail, small = inspector.queues.infos()
        unasked = inspector.queues.info("mail", memory=False)

    assert 300_000 < mail.memory_usage < 600_000
    assert 0 < small.memory_usage < 10_000
    assert unasked.memory_usage is None


def test_the_memory_of_few_tasks_is_the_sum_of_their_sizes(redis_url, redis_client):
    store(redis_client, "pending", "a", payload=b"x" * 500)
    store(redis_client, "archived", "b")
    for group in ("x", "y"):
        store(redis_client, "aggregating", group, group=group, payload=b"y" * 300)
    tasks = ["asynq:{mail}:pending", "asynq:{mail}:archived", *map(KEYS.task, "abxy")]

    with Inspector(redis_url) as inspector:
        before = inspector.queues.info("mail")
        redis_client.set("asynq:{mail}:g:z", "no set")
        redis_client.sadd("asynq:{mail}:groups", "z")
        after = inspector.queues.info("mail")

    assert before.memory_usage == sum(map(redis_client.memory_usage, tasks))
    assert after.memory_usage == before.memory_usage


def test_a_queue_is_counted_where_its_memory_is_not_told(own_redis):
    client = own_redis.client()
    client.execute_command("ACL", "SETUSER", "default", "-memory")
    client.close()
    with (
        Client(own_redis.tcp_url) as producer,
        Inspector(own_redis.tcp_url) as inspector,
    ):
        producer.enqueue(Task("email"), queue="mail")

        info, (listed,) = inspector.queues.info("mail"), inspector.queues.infos()

    assert (info.pending, info.memory_usage) == (1, None) == (listed.pending, listed.memory_usage)
