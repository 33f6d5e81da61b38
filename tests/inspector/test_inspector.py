# Generated from test_inspector_async.py by tools/unasync.py: change that file.
"""Inspectors on a real Redis; the blocking twin of this file is generated."""

from datetime import timedelta

import pytest

from pyasynq.client import Client
from pyasynq.errors import ConfigError, PayloadError, QueueNotFoundError, TaskNotFoundError
from pyasynq.inspector.inspector import Inspector
from pyasynq.task import Task, TaskState


def test_queues_are_listed_and_counted(redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        client.enqueue(Task("email"), queue="mail")
        client.enqueue(Task("email"), queue="mail", process_in=60)
        client.enqueue(Task("email"), queue="mail", group="g")
        client.enqueue(Task("email"), queue="ads")
        redis_client.set("asynq:{ads}:paused", "1")

        names = inspector.queues.list()
        mail, ads = inspector.queues.info("mail"), inspector.queues.info("ads")
        everything = inspector.queues.infos()

    assert names == ["ads", "mail"]
    assert (mail.pending, mail.scheduled, mail.aggregating, mail.groups) == (1, 1, 1, 1)
    assert (mail.size, mail.is_paused, ads.is_paused) == (3, False, True)
    assert timedelta(0) <= mail.latency < timedelta(minutes=1)
    assert mail.memory_usage > 0
    assert [info.queue for info in everything] == ["ads", "mail"]


def test_an_unknown_queue_is_an_error(redis_url):
    with Inspector(redis_url) as inspector:
        with pytest.raises(QueueNotFoundError, match="queue 'mail' does not exist"):
            inspector.queues.info("mail")


def test_a_task_is_shown_as_it_stands(redis_url):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        enqueued = client.enqueue(
            Task("email", b"{}", headers={"k": "v"}), queue="mail", timeout=30, process_in=60
        )

        found = inspector.tasks.get("mail", enqueued.id)

    assert found == enqueued
    assert found.state is TaskState.SCHEDULED


def test_an_unknown_task_or_queue_is_an_error(redis_url):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        client.enqueue(Task("email"), queue="mail")

        with pytest.raises(TaskNotFoundError, match="task 'a' is not in queue 'mail'"):
            inspector.tasks.get("mail", "a")
        with pytest.raises(QueueNotFoundError):
            inspector.tasks.get("ads", "a")


@pytest.mark.parametrize("fields", [{"msg": b"\xff\xff", "state": "pending"}, {"state": "weird"}])
def test_a_task_that_cannot_be_read_is_an_error(fields, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.hset("asynq:{mail}:t:a", mapping=fields)

    with Inspector(redis_url) as inspector:
        with pytest.raises(PayloadError):
            inspector.tasks.get("mail", "a")


def test_a_blank_id_is_refused(redis_url):
    with Inspector(redis_url) as inspector:
        with pytest.raises(ConfigError, match="task_id must not be blank"):
            inspector.tasks.get("mail", " ")
        with pytest.raises(ConfigError, match="task_id must not be blank"):
            inspector.tasks.cancel("")
        with pytest.raises(ConfigError, match="queue must not be blank"):
            inspector.tasks.cancel("a", queue="")


def test_an_unknown_request_for_a_cancelled_task_is_refused(redis_url):
    with Inspector(redis_url) as inspector:
        with pytest.raises(ConfigError, match="then must be 'retry', 'archive' or 'drop'"):
            inspector.tasks.cancel("a", then="delete")


def test_a_cancellation_that_nobody_hears_is_not_an_error(redis_url):
    with Inspector(redis_url) as inspector:
        assert inspector.tasks.cancel("a") == 0


def test_the_info_of_redis_is_returned(redis_url):
    with Inspector(redis_url) as inspector:
        info = inspector.redis.info()

    assert info["tcp_port"].isdigit()
    assert "redis_version" in info


ODD_NAMES = [b"", b" ", b"\x1c", b"ol\xe9", b"\xff\xfe", b"q" * 10_241, b"a}b{c", b"two\nlines"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_queue_with_an_odd_name_hides_no_other(name, redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        client.enqueue(Task("email"), queue="good")
        redis_client.sadd("asynq:queues", name)
        redis_client.lpush(b"asynq:{%s}:pending" % name, "a", "b")

        infos = {info.queue: info for info in inspector.queues.infos()}

    odd = infos.pop(name.decode("utf-8", "surrogateescape"))
    assert (odd.pending, odd.error) == (
        (2, "") if name else (0, "a queue without a name, which has no keys of its own")
    )
    assert [(info.queue, info.pending) for info in infos.values()] == [("good", 1)]


ODD_NUMBERS = ["-" + "9" * 40, "9" * 40, "9" * 5000, "nan", "inf", "-inf", "1e400", "garbage", ""]


@pytest.mark.parametrize("value", ODD_NUMBERS)
def test_an_odd_number_in_a_queue_hides_nothing(value, redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        info = client.enqueue(Task("email"), queue="odd")
        redis_client.hset(f"asynq:{{odd}}:t:{info.id}", "pending_since", value)
        for counter in ("processed", "failed"):
            redis_client.set(f"asynq:{{odd}}:{counter}", value)

        found, one = inspector.queues.infos(), inspector.queues.info("odd")
        task = inspector.tasks.get("odd", info.id)

    assert [(each.queue, each.pending, each.latency) for each in (*found, one)] == [
        ("odd", 1, timedelta(0))
    ] * 2
    assert (one.processed_total, one.error) == (0, "")
    assert task.state is TaskState.PENDING


@pytest.mark.parametrize("score", ["inf", "-inf", "1e300", "-1e300", "9223372036854775807"])
@pytest.mark.parametrize("state", ["scheduled", "retry"])
def test_a_task_that_is_due_at_no_possible_time_is_shown(score, state, redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        info = client.enqueue(Task("email"), process_in=60)
        redis_client.hset(f"asynq:{{default}}:t:{info.id}", "state", state)
        redis_client.zadd(f"asynq:{{default}}:{state}", {info.id: score})

        found = inspector.tasks.get("default", info.id)

    assert found.state.value == state
    assert found.next_process_at is not None
    assert found.next_process_at.year in (1, 9999)


KEYS_OF_A_QUEUE = ["pending", "active", "scheduled", "retry", "archived", "completed"]


@pytest.mark.parametrize(
    "key", [*KEYS_OF_A_QUEUE, "processed", "failed", "groups", "aggregation_sets"]
)
def test_a_key_of_another_type_is_named_and_the_others_are_counted(key, redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        client.enqueue(Task("email"), queue="good")
        for name in KEYS_OF_A_QUEUE:
            if name in ("pending", "active"):
                redis_client.lpush(f"asynq:{{odd}}:{name}", "a")
            else:
                redis_client.zadd(f"asynq:{{odd}}:{name}", {"a": 1})
        redis_client.sadd("asynq:queues", "odd")
        redis_client.delete(f"asynq:{{odd}}:{key}")
        redis_client.hset(f"asynq:{{odd}}:{key}", "a", "b")

        good, odd = inspector.queues.infos()

    assert (good.pending, good.error) == (1, "")
    assert odd.error == (
        f"not counted, since it has a wrong type: asynq:{{odd}}:{key}; delete or rename it"
    )
    assert [getattr(odd, name) for name in KEYS_OF_A_QUEUE] == [
        0 if name == key else 1 for name in KEYS_OF_A_QUEUE
    ]


def test_a_queue_with_very_many_groups_is_estimated(redis_url, redis_client):
    pipeline = redis_client.pipeline(transaction=False)
    for number in range(5000):
        pipeline.sadd("asynq:{mail}:groups", f"g{number}")
        pipeline.zadd(f"asynq:{{mail}}:g:g{number}", {"a": 1, "b": 2})
    pipeline.sadd("asynq:queues", "mail")
    pipeline.execute()

    with Inspector(redis_url) as inspector:
        info = inspector.queues.info("mail")

    assert (info.groups, info.aggregating, info.size) == (5000, 10_000, 10_000)
    assert info.is_estimated
