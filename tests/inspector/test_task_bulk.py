# Generated from test_task_bulk_async.py by tools/unasync.py: change that file.
"""All tasks of a state are run, archived or deleted; the blocking twin is generated."""

import pytest

from pyasynq.client import Client
from pyasynq.errors import ConfigError, PyasynqError, QueueNotFoundError
from pyasynq.inspector.inspector import Inspector
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from tests.support.builders import make_data

KEYS = queue_keys("mail")
FAR_S = 4_000_000_000


def enqueued(client, count, **options):
    fields = EnqueueOptions(queue="mail", **options)
    results = client.enqueue_many([Task("email", options=fields)] * count)
    return [each.info.id for each in results]


def test_all_scheduled_tasks_run_in_their_order_a_few_hundred_at_a_time(redis_url, redis_client):
    steps = []
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        enqueued(client, 1203, process_in=60)
        ordered = redis_client.zrange(KEYS.scheduled, 0, -1)

        count = inspector.tasks.run_all(
            "mail", "scheduled", on_progress=lambda done, total: steps.append((done, total))
        )

    assert count == 1203
    assert steps == [(500, 1203), (1000, 1203), (1203, 1203)]
    assert redis_client.lrange(KEYS.pending, 0, -1) == ordered[::-1]
    assert not redis_client.exists(KEYS.scheduled)
    assert redis_client.hexists(KEYS.task(ordered[-1].decode()), "pending_since")


@pytest.mark.parametrize("state", ["pending", "scheduled", "retry"])
def test_all_tasks_of_a_state_are_archived(state, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    for name in "abc":
        redis_client.hset(KEYS.task(name), mapping={"msg": make_data(), "state": state})
        if state == "pending":
            redis_client.lpush(KEYS.pending, name)
        else:
            redis_client.zadd(f"{KEYS.prefix}{state}", {name: FAR_S})

    with Inspector(redis_url) as inspector:
        assert inspector.tasks.archive_all("mail", state) == 3

    assert redis_client.zrange(KEYS.archived, 0, -1) == [b"a", b"b", b"c"]
    assert redis_client.hget(KEYS.task("a"), "state") == b"archived"


def test_all_tasks_of_a_group_are_deleted_with_their_locks(redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        client.enqueue(Task("email", b"1"), queue="mail", group="g", unique=60)
        client.enqueue(Task("email", b"2"), queue="mail", group="g", unique=60)
        client.enqueue(Task("email", b"3"), queue="mail", group="h", task_id="left")

        assert inspector.tasks.delete_all("mail", "aggregating", group="g") == 2

    assert set(redis_client.keys("asynq:{mail}:*")) == {
        b"asynq:{mail}:g:h",
        b"asynq:{mail}:groups",
        b"asynq:{mail}:t:left",
    }
    assert redis_client.smembers(KEYS.groups) == {b"h"}


@pytest.mark.parametrize("method", ["run_all", "archive_all", "delete_all"])
def test_a_task_that_runs_loses_only_its_stray_entry(method, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.hset(KEYS.task("a"), mapping={"msg": make_data(), "state": "active"})
    redis_client.zadd(KEYS.retry, {"a": 5})

    with Inspector(redis_url) as inspector:
        getattr(inspector.tasks, method)("mail", "retry")

    assert redis_client.hget(KEYS.task("a"), "state") == b"active"
    assert not redis_client.exists(KEYS.retry, KEYS.pending, KEYS.archived)


def test_a_callback_stops_the_work_by_raising(redis_url, redis_client):
    def stop(done, total):
        raise InterruptedError

    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        enqueued(client, 700)

        with pytest.raises(InterruptedError):
            inspector.tasks.delete_all("mail", "pending", on_progress=stop)

    assert redis_client.llen(KEYS.pending) == 200


def test_tasks_that_come_meanwhile_do_not_make_the_work_endless(redis_url, redis_client):
    def add_more(done, total):
        redis_client.zadd(KEYS.retry, {f"more-{done}-{number}": 1 for number in range(600)})

    redis_client.sadd("asynq:queues", "mail")
    redis_client.zadd(KEYS.retry, {f"n{number}": 5 for number in range(600)})

    with Inspector(redis_url) as inspector:
        count = inspector.tasks.delete_all("mail", "retry", on_progress=add_more)

    assert count == 600


def test_a_large_archive_does_not_grow(redis_url, redis_client):
    redis_client.zadd(KEYS.archived, {f"x{number}": number + FAR_S for number in range(12_000)})
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        enqueued(client, 600)

        inspector.tasks.archive_all("mail", "pending")

    assert redis_client.zcard(KEYS.archived) == 12_000 - 1


@pytest.mark.parametrize(
    ("method", "arguments", "text"),
    [
        (
            "run_all",
            ("pending",),
            "run_all takes tasks that are scheduled, retry, archived or aggr",
        ),
        ("run_all", ("active",), "not active ones"),
        ("archive_all", ("archived",), "archive_all takes tasks that are pending"),
        ("delete_all", ("active",), "delete_all takes tasks that are pending"),
        ("delete_all", ("dead",), "state must be active"),
        ("delete_all", ("aggregating",), "name the group"),
    ],
)
def test_a_state_that_does_not_allow_the_work_is_refused(method, arguments, text, redis_url):
    with Inspector(redis_url) as inspector:
        with pytest.raises(ConfigError, match=text):
            getattr(inspector.tasks, method)("mail", *arguments)
        with pytest.raises(ConfigError, match="tasks are not in a group; leave group out"):
            getattr(inspector.tasks, method)("mail", "retry", group="g")


@pytest.mark.parametrize("method", ["run_all", "archive_all", "delete_all"])
def test_an_unknown_queue_is_an_error_and_an_empty_one_is_not(method, redis_url, redis_client):
    with Inspector(redis_url) as inspector:
        with pytest.raises(QueueNotFoundError):
            getattr(inspector.tasks, method)("mail", "retry")
        redis_client.sadd("asynq:queues", "mail")
        assert getattr(inspector.tasks, method)("mail", "retry") == 0


@pytest.mark.parametrize("method", ["run_all", "archive_all", "delete_all"])
def test_a_key_of_another_type_is_named_and_nothing_is_changed(method, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.set(KEYS.retry, "text")

    with Inspector(redis_url) as inspector:
        with pytest.raises(PyasynqError, match=r"asynq:\{mail\}:retry"):
            getattr(inspector.tasks, method)("mail", "retry")

    assert redis_client.get(KEYS.retry) == b"text"


@pytest.mark.parametrize(
    ("method", "target"), [("run_all", "pending"), ("archive_all", "archived")]
)
def test_a_target_of_another_type_is_named_and_nothing_is_changed(
    method, target, redis_url, redis_client
):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.zadd(KEYS.retry, {"a": 5})
    redis_client.hset(KEYS.task("a"), mapping={"msg": make_data(), "state": "retry"})
    redis_client.set(f"{KEYS.prefix}{target}", "text")

    with Inspector(redis_url) as inspector:
        with pytest.raises(PyasynqError, match="wrong type"):
            getattr(inspector.tasks, method)("mail", "retry")

    assert redis_client.zscore(KEYS.retry, "a") == 5
