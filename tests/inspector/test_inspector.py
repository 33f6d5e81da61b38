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
