"""Whatever expires follows the clock of the test."""

import pytest
import redis

from pyasynq import retry
from pyasynq.app import App
from pyasynq.client import Client
from pyasynq.errors import DuplicateTaskError, NotFoundError
from pyasynq.inspector import Inspector
from pyasynq.task import Task

app = App(retry_delay=retry.fixed(60), archive_max_age=3600)


@app.task
def plain(number: int) -> None: ...


@app.task(retention=60)
def kept(number: int) -> int:
    return number


@app.task(max_retry=0)
def fail() -> None:
    raise ValueError


@pytest.fixture
def harness():
    with app.testing() as harness:
        yield harness


@pytest.fixture
def raw(harness):
    with redis.Redis.from_url(harness.url) as client:
        yield client


def test_a_unique_lock_ends_when_the_clock_has_come_to_its_end(harness):
    plain.options(unique=60).enqueue(1)

    harness.clock.advance(59.999)
    with pytest.raises(DuplicateTaskError):
        plain.options(unique=60).enqueue(1)
    harness.clock.advance(0.001)

    assert plain.options(unique=60).enqueue(1)


def test_a_lock_that_was_taken_again_counts_from_then(harness):
    plain.options(unique=60).enqueue(1)
    harness.clock.advance(50)
    harness.run_pending()
    plain.options(unique=60).enqueue(1)

    harness.clock.advance(59)

    with pytest.raises(DuplicateTaskError):
        plain.options(unique=60).enqueue(1)


def test_a_lock_is_held_while_the_clock_stands_still(harness, raw):
    plain.options(unique=1).enqueue(1)

    harness.tasks()

    assert [raw.ttl(key) for key in raw.keys("*unique*")] == [-1]


async def test_locks_of_an_async_test_follow_its_clock():
    async with app.testing() as harness:
        await plain.options(unique=60).aenqueue(1)
        harness.clock.advance(60)

        assert await plain.options(unique=60).aenqueue(1)


def test_a_completed_task_is_deleted_after_its_retention(harness):
    handle = kept.enqueue(1)
    harness.run_pending()

    harness.clock.advance(59)
    assert handle.result(0) == 1
    harness.clock.advance(1)

    with pytest.raises(NotFoundError):
        handle.info()


def test_an_archived_task_is_deleted_at_its_greatest_age(harness):
    handle = fail.enqueue()
    harness.run_pending()
    assert handle.info().state == "archived"

    harness.clock.advance(3601)

    with pytest.raises(NotFoundError):
        handle.info()


def test_a_task_is_dropped_that_expires_before_it_starts(harness):
    plain.options(expires=60, process_in=30).enqueue(1)
    plain.options(expires=30).enqueue(2)

    harness.clock.advance(30)
    (handled,) = harness.run_pending()

    assert handled.error is None
    assert harness.tasks() == []


def test_a_key_of_the_test_itself_expires_as_well(harness, raw):
    raw.set("session", 1, px=1500)
    raw.set("other", 1)

    harness.clock.advance(1.4)
    assert raw.exists("session")
    harness.clock.advance(0.1)

    assert raw.keys() == [b"other"]


def test_a_task_of_a_worker_that_is_gone_is_recovered_when_its_lease_is_over(harness, raw):
    with Client(harness.url) as client, Inspector(harness.url) as inspector:
        info = client.enqueue(Task("plain", b'{"number":1}'))
        raw.lmove("asynq:{default}:pending", "asynq:{default}:active")
        raw.hset(f"asynq:{{default}}:t:{info.id}", "state", "active")
        raw.zadd("asynq:{default}:lease", {info.id: int(harness.clock.now.timestamp()) + 30})

        assert harness.run_pending() == []
        harness.clock.advance(61)
        assert harness.run_pending() == []
        assert inspector.tasks.get("default", info.id).state == "retry"
        harness.clock.advance(60)
        (handled,) = harness.run_pending()

    assert handled.attempt == 2
