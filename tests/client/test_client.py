# Generated from test_client_async.py by tools/unasync.py: change that file.
"""Clients on a real Redis; the blocking twin of this file is generated."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.client import Client
from pyasynq.errors import (
    ConfigError,
    DuplicateTaskError,
    PyasynqError,
    RedisUnavailableError,
    ServerStateError,
    TaskIdConflictError,
)
from pyasynq.task import Task, TaskState
from pyasynq.wire.message import decode
from tests.support.redis_kinds import in_namespace


def stored(redis_client, info):
    return redis_client.hgetall(f"asynq:{{{info.queue}}}:t:{info.id}")


def test_a_task_is_stored_as_go_stores_it(redis_url, redis_client):
    with Client(redis_url) as client:
        info = client.enqueue(
            Task("email", b"\x00\xff", headers={"k": "v"}), queue="mail", max_retry=3, timeout=30
        )

    fields = stored(redis_client, info)
    message = decode(fields[b"msg"])
    assert redis_client.smembers("asynq:queues") == {b"mail"}
    assert redis_client.lrange("asynq:{mail}:pending", 0, -1) == [info.id.encode()]
    assert sorted(fields) == [b"msg", b"pending_since", b"state"]
    assert (message.type, message.payload, message.headers) == ("email", b"\x00\xff", {"k": "v"})
    assert (message.id, message.queue, message.retry, message.timeout) == (info.id, "mail", 3, 30)
    assert info.state is TaskState.PENDING


def test_options_of_the_task_apply_where_the_call_gives_none(redis_url):
    from pyasynq.options import EnqueueOptions  # noqa: PLC0415 - only here

    task = Task("email", options=EnqueueOptions(queue="mail", max_retry=3))
    with Client(redis_url) as client:
        info = client.enqueue(task, max_retry=5)

    assert (info.queue, info.max_retry) == ("mail", 5)


def test_a_scheduled_task_waits_with_its_exact_time(redis_url, redis_client):
    due = datetime(2033, 5, 18, 3, 33, 20, 250_000, tzinfo=UTC)
    with Client(redis_url) as client:
        info = client.enqueue(Task("email"), process_at=due, group="digest")

    fields = stored(redis_client, info)
    assert redis_client.zscore("asynq:{default}:scheduled", info.id) == 2_000_000_000
    assert fields[b"process_at_ns"] == b"2000000000250000000"
    assert (fields[b"state"], fields[b"group_when_due"]) == (b"scheduled", b"digest")
    assert (info.state, info.next_process_at) == (TaskState.SCHEDULED, due)


def test_a_grouped_task_waits_in_its_group(redis_url, redis_client):
    with Client(redis_url) as client:
        info = client.enqueue(Task("email"), group="digest")

    assert redis_client.zrange("asynq:{default}:g:digest", 0, -1) == [info.id.encode()]
    assert redis_client.smembers("asynq:{default}:groups") == {b"digest"}
    assert (info.state, info.next_process_at) == (TaskState.AGGREGATING, None)


@pytest.mark.parametrize("more", [{}, {"process_in": 60}, {"group": "digest"}])
def test_a_unique_lock_keeps_equal_tasks_out_and_names_the_holder(more, redis_url):
    with Client(redis_url) as client:
        first = client.enqueue(Task("email", b"1"), unique=60, **more)
        client.enqueue(Task("email", b"2"), unique=60, **more)

        with pytest.raises(DuplicateTaskError) as caught:
            client.enqueue(Task("email", b"1"), unique=60, **more)

    assert caught.value.holder_id == first.id


def test_a_conflict_names_the_state_and_leaves_no_lock(redis_url, redis_client):
    with Client(redis_url) as client:
        client.enqueue(Task("email"), task_id="a", process_in=60)

        with pytest.raises(TaskIdConflictError) as caught:
            client.enqueue(Task("email", b"new"), task_id="a", unique=60)

    assert caught.value.state == "scheduled"
    assert redis_client.keys("asynq:{default}:unique:*") == []


def test_the_lock_lives_as_long_as_asked(redis_url, redis_client):
    with Client(redis_url) as client:
        client.enqueue(Task("email"), unique=timedelta(minutes=10))

    (lock,) = redis_client.keys("asynq:{default}:unique:*")
    assert 590 < redis_client.ttl(lock) <= 600


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("email", {}),
        (Task("email"), {"queue": ""}),
        (Task("email"), {"retry": 3}),
        (Task("email"), {"timeout": -1}),
    ],
)
def test_wrong_input_is_refused_before_anything_is_sent(task, options, tmp_path):
    with Client(f"unix://{tmp_path}/nobody.sock") as client:
        with pytest.raises(ConfigError):
            client.enqueue(task, **options)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Task(""),
        lambda: Task("email", "text"),
        lambda: Task(5),
        lambda: Task("email", options={"queue": "low"}),
    ],
)
def test_a_wrong_task_cannot_be_made(make):
    with pytest.raises(ConfigError):
        make()


@pytest.mark.parametrize("enqueue_patience", ["5", None, -1, float("nan"), True])
def test_patience_is_a_number_of_seconds(enqueue_patience):
    with pytest.raises(ConfigError, match="enqueue_patience"):
        Client(enqueue_patience=enqueue_patience)


def test_an_absent_redis_is_reported_when_the_patience_is_over(tmp_path):
    with Client(f"unix://{tmp_path}/nobody.sock", enqueue_patience=0.05) as client:
        with pytest.raises(RedisUnavailableError) as caught:
            client.enqueue(Task("email"))

    assert not caught.value.may_have_happened


def test_a_redis_without_memory_is_reported_and_nothing_is_stored(redis_url, redis_client):
    redis_client.config_set("maxmemory", 1)
    with Client(redis_url) as client:
        with pytest.raises(PyasynqError, match="out of memory"):
            client.enqueue(Task("email"), queue="mail")

    redis_client.config_set("maxmemory", 0)
    assert redis_client.keys("asynq:{mail}:*") == []


def test_a_queue_that_was_deleted_is_listed_again(redis_url, redis_client):
    class Clock:
        def __init__(self):
            from pyasynq.clock import SystemClock  # noqa: PLC0415 - only here

            self.ahead, self.real = 0.0, SystemClock()

        def __getattr__(self, name):
            return getattr(self.real, name)

        def monotonic(self):
            return self.real.monotonic() + self.ahead

    clock = Clock()
    with Client(redis_url, clock=clock) as client:
        client.enqueue(Task("email"))
        redis_client.delete("asynq:queues")
        clock.ahead = 2.0
        client.enqueue(Task("email"))

    assert redis_client.smembers("asynq:queues") == {b"default"}


def test_scripts_that_the_server_has_forgotten_are_sent_again(redis_url, redis_client):
    with Client(redis_url) as client:
        client.enqueue(Task("email"))
        redis_client.script_flush()
        client.enqueue(Task("email"))

    assert redis_client.llen("asynq:{default}:pending") == 2


def test_a_closed_client_refuses_to_enqueue(redis_url):
    client = Client(redis_url)
    client.close()
    client.close()

    with pytest.raises(ServerStateError, match="this client is closed"):
        client.enqueue(Task("email"))


def test_another_namespace_is_another_world(redis_url, redis_client):
    with Client(in_namespace(redis_url, "shop")) as client:
        info = client.enqueue(Task("email"))

    assert redis_client.lrange("shop:{default}:pending", 0, -1) == [info.id.encode()]
    assert redis_client.keys("asynq:*") == []
