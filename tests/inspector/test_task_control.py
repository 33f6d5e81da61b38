# Generated from test_task_control_async.py by tools/unasync.py: change that file.
"""Single tasks are run, archived and changed; the blocking twin of this file is generated."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.client import Client
from pyasynq.clock import FakeClock
from pyasynq.errors import (
    ConfigError,
    DuplicateTaskError,
    PayloadError,
    QueueNotFoundError,
    TaskNotFoundError,
    TaskStateError,
)
from pyasynq.inspector.inspector import Inspector
from pyasynq.task import Task, TaskState
from pyasynq.wire.keys import queue_keys
from tests.support.builders import make_active, make_data
from tests.support.golden_state import dump

NOW = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
KEYS = queue_keys("mail")


def test_a_scheduled_task_runs_now_as_the_last_one_in_line(redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        client.enqueue(Task("email"), queue="mail", task_id="first")
        client.enqueue(Task("email"), queue="mail", task_id="a", process_in=60, group="g")

        inspector.tasks.run("mail", "a")

        assert (inspector.tasks.get("mail", "a")).state is TaskState.PENDING
    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"a", b"first"]
    assert not redis_client.exists(KEYS.scheduled)
    fields = set(redis_client.hgetall(KEYS.task("a")))
    assert fields == {b"msg", b"state", b"pending_since"}


@pytest.mark.parametrize("state", ["pending", "active"])
def test_a_task_that_runs_or_will_is_not_run(state, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    make_active(redis_client, "a")
    redis_client.hset(KEYS.task("a"), "state", state)

    with Inspector(redis_url) as inspector:
        with pytest.raises(TaskStateError, match=f"task 'a' is {state}; this needs a task that"):
            inspector.tasks.run("mail", "a")

    assert redis_client.lrange(KEYS.active, 0, -1) == [b"a"]
    assert not redis_client.exists(KEYS.pending)


def test_a_running_task_is_not_archived_and_the_error_tells_to_cancel_it(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    make_active(redis_client, "a")

    with Inspector(redis_url) as inspector:
        with pytest.raises(TaskStateError, match='as with cancel\\(then="archive"\\)'):
            inspector.tasks.archive("mail", "a")


@pytest.mark.parametrize("method", ["run", "archive", "delete"])
def test_a_task_that_is_not_where_its_state_says_is_left_alone(method, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.hset(KEYS.task("a"), mapping={"msg": make_data(), "state": "lease"})
    redis_client.zadd(KEYS.lease, {"a": 5})

    with Inspector(redis_url) as inspector:
        with pytest.raises(TaskStateError, match="not where such tasks are kept"):
            getattr(inspector.tasks, method)("mail", "a")

    assert redis_client.zscore(KEYS.lease, "a") == 5
    assert redis_client.hget(KEYS.task("a"), "state") == b"lease"


@pytest.mark.parametrize("method", ["run", "archive", "delete", "reschedule", "update_payload"])
def test_what_does_not_exist_is_told(method, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    more = {"reschedule": (NOW,), "update_payload": (b"x",)}.get(method, ())

    with Inspector(redis_url) as inspector:
        call = getattr(inspector.tasks, method)
        with pytest.raises(TaskNotFoundError, match="task 'a' is not in queue 'mail'"):
            call("mail", "a", *more)
        with pytest.raises(QueueNotFoundError):
            call("ads", "a", *more)
        with pytest.raises(ConfigError, match="task_id must not be blank"):
            call("mail", " ", *more)
        with pytest.raises(ConfigError, match="queue must not be blank"):
            call("", "a", *more)


@pytest.mark.parametrize("method", ["run", "archive", "delete", "reschedule", "update_payload"])
def test_a_task_of_a_queue_that_is_not_listed_is_left_alone(method, redis_url, redis_client):
    fields = {"msg": make_data(), "state": "scheduled"}
    redis_client.hset(KEYS.task("a"), mapping=fields)
    redis_client.zadd(KEYS.scheduled, {"a": 5})
    more = {"reschedule": (NOW,), "update_payload": (b"x",)}.get(method, ())
    before = dump(redis_client)

    with Inspector(redis_url) as inspector:
        with pytest.raises(QueueNotFoundError):
            getattr(inspector.tasks, method)("mail", "a", *more)

    assert dump(redis_client) == before


def test_a_full_archive_loses_its_oldest_task_with_its_lock(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    now_s = int(NOW.timestamp())
    redis_client.zadd(
        KEYS.archived, {f"x{number}": now_s - 9_999 + number for number in range(9_999)}
    )
    lock = KEYS.unique("email", b"")
    redis_client.set(lock, "x0")
    redis_client.hset(KEYS.task("x0"), mapping={"msg": make_data(), "unique_key": lock})
    with (
        Client(redis_url) as client,
        Inspector(redis_url, clock=FakeClock(NOW)) as inspector,
    ):
        client.enqueue(Task("email"), queue="mail", task_id="a")

        inspector.tasks.archive("mail", "a")

    assert redis_client.zcard(KEYS.archived) == 9_999
    assert redis_client.zscore(KEYS.archived, "a") == now_s
    assert not redis_client.exists(KEYS.task("x0"), lock)


@pytest.mark.parametrize("state", ["scheduled", "retry", "pending", "archived"])
def test_a_task_is_due_at_another_time(state, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    fields = {"msg": make_data(), "state": state, "pending_since": 5}
    redis_client.hset(KEYS.task("a"), mapping=fields)
    if state == "pending":
        redis_client.lpush(KEYS.pending, "a")
    else:
        redis_client.zadd(f"{KEYS.prefix}{state}", {"a": 5})
    at = NOW + timedelta(microseconds=250)

    with Inspector(redis_url) as inspector:
        inspector.tasks.reschedule("mail", "a", at)
        inspector.tasks.reschedule("mail", "a", at)
        info = inspector.tasks.get("mail", "a")

    assert info.next_process_at == at
    assert info.state.value == ("retry" if state == "retry" else "scheduled")
    assert redis_client.zscore(f"{KEYS.prefix}{info.state}", "a") == NOW.timestamp()
    assert not redis_client.exists(KEYS.pending, KEYS.archived)


@pytest.mark.parametrize("state", ["active", "completed"])
def test_a_task_that_runs_or_is_done_is_not_rescheduled(state, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    make_active(redis_client, "a")
    redis_client.hset(KEYS.task("a"), "state", state)

    with Inspector(redis_url) as inspector:
        with pytest.raises(TaskStateError):
            inspector.tasks.reschedule("mail", "a", NOW)
        with pytest.raises(ConfigError, match="at has no time zone"):
            inspector.tasks.reschedule("mail", "a", NOW.replace(tzinfo=None))
        with pytest.raises(ConfigError, match="at must be an aware datetime, not int"):
            inspector.tasks.reschedule("mail", "a", 5)


def test_the_lock_of_a_task_that_is_put_off_lasts_longer(redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        info = client.enqueue(Task("email"), queue="mail", task_id="a", unique=100, process_in=50)
        later = info.next_process_at + timedelta(hours=1)

        inspector.tasks.reschedule("mail", "a", later)
        inspector.tasks.reschedule("mail", "a", later)

    left_s = redis_client.ttl(KEYS.unique("email", None))
    assert 3740 <= left_s <= 3752


def test_forwarders_hear_of_a_task_that_is_due_earlier(redis_url, redis_client):
    subscription = redis_client.pubsub()
    subscription.subscribe("asynq:x:due")
    subscription.get_message(timeout=5)
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        client.enqueue(Task("email"), queue="mail", task_id="a", process_in=3600)

        inspector.tasks.reschedule("mail", "a", NOW - timedelta(days=3650))

    heard = [subscription.get_message(timeout=5) for _ in range(2)]  # a cluster keeps no order
    subscription.close()
    due_ns = int((NOW - timedelta(days=3650)).timestamp()) * 10**9
    assert f"{due_ns} mail".encode() in [each["data"] for each in heard]


def test_everything_of_a_task_that_waits_can_be_replaced(redis_url):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        before = client.enqueue(
            Task("email", b"old", headers={"k": "v"}), queue="mail", task_id="a", process_in=60
        )

        inspector.tasks.replace(
            "mail",
            "a",
            type="advert",
            payload=b"new",
            headers={"l": "w"},
            max_retry=1,
            timeout=1.5,
            deadline=NOW,
            retention=timedelta(hours=1),
        )
        after = inspector.tasks.get("mail", "a")

    assert (after.type, after.payload, after.headers) == ("advert", b"new", {"l": "w"})
    assert (after.max_retry, after.timeout, after.deadline) == (1, timedelta(seconds=2), NOW)
    assert after.retention == timedelta(hours=1)
    assert after.next_process_at == before.next_process_at


@pytest.mark.parametrize("state", ["pending", "scheduled", "retry", "archived", "aggregating"])
def test_a_task_that_does_not_run_is_changed_in_any_state(state, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    fields = {"msg": make_data(payload=b"old", retried=2), "state": state, "x": "y"}
    redis_client.hset(KEYS.task("a"), mapping=fields)

    with Inspector(redis_url) as inspector:
        inspector.tasks.replace("mail", "a", payload=b"new")

    assert redis_client.hgetall(KEYS.task("a")) == {
        b"msg": make_data(payload=b"new", retried=2),
        b"state": state.encode(),
        b"x": b"y",
    }


@pytest.mark.parametrize("state", ["active", "completed", "weird"])
def test_a_task_that_runs_or_is_done_is_not_changed(state, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.hset(KEYS.task("a"), mapping={"msg": make_data(), "state": state})

    with Inspector(redis_url) as inspector:
        with pytest.raises(TaskStateError, match=f"task 'a' is {state}; this needs a task"):
            inspector.tasks.replace("mail", "a", payload=b"new")


@pytest.mark.parametrize(
    ("message", "why"),
    [({"msg": b"\xff"}, "the bytes are not a task message"), ({}, "the message is empty")],
)
def test_a_task_with_an_unreadable_message_is_not_changed(message, why, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.hset(KEYS.task("a"), mapping={**message, "state": "scheduled"})
    before = dump(redis_client)

    with Inspector(redis_url) as inspector:
        with pytest.raises(PayloadError, match=why):
            inspector.tasks.update_payload("mail", "a", b"new")

    assert dump(redis_client) == before


@pytest.mark.parametrize("old", [None, b"", b"old"])
@pytest.mark.parametrize("new", [None, b"", b"new"])
def test_the_lock_of_a_payload_follows_it(old, new, redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        client.enqueue(Task("email", old), queue="mail", task_id="a", unique=100, process_in=50)

        inspector.tasks.update_payload("mail", "a", new)

        with pytest.raises(DuplicateTaskError):
            client.enqueue(Task("email", new), queue="mail", unique=100)
        inspector.tasks.delete("mail", "a")
    assert not redis_client.keys("asynq:{mail}:*unique*")


def test_a_lock_of_the_users_own_stays(redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        client.enqueue(
            Task("email", b"old"),
            queue="mail",
            task_id="a",
            unique=100,
            unique_key="mine",
            process_in=50,
        )
        before = redis_client.keys("asynq:{mail}:unique:*")

        inspector.tasks.update_payload("mail", "a", b"new")

    assert redis_client.keys("asynq:{mail}:unique:*") == before != []


def test_a_payload_whose_lock_another_task_holds_is_refused(redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        for task_id, payload in (("a", b"old"), ("b", b"new")):
            client.enqueue(
                Task("email", payload), queue="mail", task_id=task_id, unique=100, process_in=50
            )

        with pytest.raises(DuplicateTaskError, match="task 'b' holds the lock"):
            inspector.tasks.update_payload("mail", "a", b"new")

        assert (inspector.tasks.get("mail", "a")).payload == b"old"
    assert redis_client.get(KEYS.unique("email", b"old")) == b"a"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "replace needs something to replace"),
        ({"payload": "text"}, "payload must be bytes or None, not str"),
        ({"type": " "}, "task type must not be blank"),
        ({"headers": {"a": 1}}, "headers"),
        ({"max_retry": -1}, "max_retry must be from 0"),
        ({"timeout": -1}, "timeout must be at least 0 s"),
        ({"deadline": 5}, "deadline is a time; for a duration write timeout="),
        ({"retention": "x"}, "retention must be a timedelta"),
    ],
)
def test_a_wrong_replacement_is_refused(arguments, text, redis_url):
    with Inspector(redis_url) as inspector:
        with pytest.raises(ConfigError, match=text):
            inspector.tasks.replace("mail", "a", **arguments)


@pytest.mark.parametrize("score", ["-inf", "inf", "1e300", "-1e300", "0.5"])
def test_a_task_that_was_due_at_no_possible_time_is_rescheduled_with_its_lock(
    score, redis_url, redis_client
):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        client.enqueue(Task("email"), queue="mail", task_id="a", unique=100, process_in=50)
        redis_client.zadd(KEYS.scheduled, {"a": score})

        inspector.tasks.reschedule("mail", "a", NOW)

        assert (inspector.tasks.get("mail", "a")).next_process_at == NOW
    assert redis_client.ttl(KEYS.unique("email", None)) > 0


def test_a_task_always_has_something_that_ends_an_attempt(redis_url):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        for task_id, options in (("a", {}), ("b", {"deadline": NOW})):
            client.enqueue(Task("email"), queue="mail", task_id=task_id, timeout=5, **options)

            inspector.tasks.replace("mail", task_id, timeout=0)

        first, second = [inspector.tasks.get("mail", each) for each in "ab"]
    assert (first.timeout, second.timeout) == (timedelta(minutes=30), None)


def test_a_payload_is_replaced_only_if_it_is_the_expected_one(redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        client.enqueue(Task("email", b"theirs"), queue="mail", task_id="a")

        with pytest.raises(TaskStateError, match="its payload is no longer the one"):
            inspector.tasks.replace("mail", "a", payload=b"new", expected_payload=b"old")
        before = (inspector.tasks.get("mail", "a")).payload
        inspector.tasks.replace("mail", "a", payload=b"new", expected_payload=b"theirs")

        assert (before, (inspector.tasks.get("mail", "a")).payload) == (b"theirs", b"new")
