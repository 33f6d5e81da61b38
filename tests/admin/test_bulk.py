# Generated from test_bulk_async.py by tools/unasync.py: change that file.
"""Jobs on many tasks; the blocking twin of this file is generated."""

from datetime import UTC, datetime

import pytest

from pyasynq.admin.bulk import BulkJob
from pyasynq.admin.jobs import Bounds
from pyasynq.clock import FakeClock
from pyasynq.errors import ConfigError, FilterError, QueueNotFoundError
from pyasynq.inspector.changes import Change, TaskRef
from pyasynq.inspector.inspector import Inspector
from pyasynq.task import TaskState
from tests.support.stored_tasks import store

RUN, ARCHIVE, DELETE = (Change(verb=verb) for verb in ("run", "archive", "delete"))
LATER = datetime(2033, 1, 1, tzinfo=UTC)


def ids(client, state, queue="mail"):
    key = f"asynq:{{{queue}}}:{state}"
    found = client.lrange(key, 0, -1) if state == "pending" else client.zrange(key, 0, -1)
    return {each.decode() for each in found}


def store_many(client, count=1203, state="archived", **fields):
    for number in range(count):
        kind = "email" if number % 3 else "image"
        store(client, state, str(number), **{"type": kind, "score": 1000, **fields})


def store_behind_others(client):
    """Store tasks in a queue where those of one type stand behind more others than are read."""
    for number in range(610):
        kind = "image" if number >= 600 else "email"
        store(client, "archived", str(number), queue="low", type=kind, score=1000 + number)


def test_a_preview_counts_what_matches_and_changes_nothing(redis_url, redis_client):
    store_many(redis_client, 9)
    store(redis_client, "retry", "r", type="image", queue="low")
    store(redis_client, "completed", "c", type="image")

    with Inspector(redis_url) as inspector:
        preview = BulkJob(inspector, RUN).preview("type:image", sample=2)

    counts = [(each.queue, each.state, each.count) for each in preview.places]
    assert counts == [("low", TaskState.RETRY, 1), ("mail", TaskState.ARCHIVED, 3)]
    assert (preview.count, preview.is_estimated) == (4, False)
    assert [task.id for task in preview.sample] == ["r", "0"]
    assert len(ids(redis_client, "archived")) == 9


def test_a_preview_of_very_many_tasks_is_estimated(redis_url, redis_client):
    store_many(redis_client)

    with Inspector(redis_url) as inspector:
        job = BulkJob(inspector, RUN)
        some = job.preview("state:archived type:image", scan=1)
        whole = job.preview("state:archived", scan=1)

    assert some.is_estimated
    assert 390 <= some.count <= 410
    assert (whole.count, whole.is_estimated) == (1203, False)


def test_a_place_of_which_a_part_was_looked_at_is_told_though_nothing_was_found(
    redis_url, redis_client
):
    store_many(redis_client, 3, type="image")
    store_behind_others(redis_client)

    with Inspector(redis_url) as inspector:
        preview = BulkJob(inspector, DELETE).preview("type:image", scan=1)

    low, mail = preview.places
    assert (low.queue, low.count, low.is_estimated) == ("low", 0, True)
    assert (low.scanned, low.size) == (500, 610)
    assert (mail.count, mail.is_estimated, mail.scanned, mail.size) == (3, False, 3, 3)
    assert (preview.count, preview.is_estimated) == (3, True)


def test_a_job_with_bounds_changes_nothing_elsewhere(redis_url, redis_client):
    store_many(redis_client, 3, type="image")
    store_behind_others(redis_client)

    with Inspector(redis_url) as inspector:
        bounds = Bounds(places=frozenset({("mail", TaskState.ARCHIVED)}), most=100)
        result = BulkJob(inspector, DELETE, bounds=bounds).run("type:image")

    assert (result.done, result.is_capped) == (3, False)
    assert len(ids(redis_client, "archived", "low")) == 610


@pytest.mark.parametrize("query", ["state:archived", "state:archived type:email,image"])
def test_a_job_with_bounds_stops_when_so_many_are_changed_and_says_so(
    redis_url, redis_client, caplog, query
):
    caplog.set_level("INFO", "pyasynq.admin")
    store_many(redis_client)

    with Inspector(redis_url) as inspector:
        bounds = Bounds(places=frozenset({("mail", TaskState.ARCHIVED)}), most=500)
        result = BulkJob(inspector, DELETE, bounds=bounds).run(query)

    assert (result.done, result.is_capped, result.is_cancelled) == (500, True, False)
    assert len(ids(redis_client, "archived")) == 703
    assert "stopped, since no more were confirmed" in caplog.text


@pytest.mark.parametrize(
    ("change", "state", "target"),
    [
        (RUN, "archived", "pending"),
        (ARCHIVE, "retry", "archived"),
        (DELETE, "completed", None),
        (DELETE, "pending", None),
        (Change(verb="reschedule", at=LATER), "archived", "scheduled"),
    ],
    ids=lambda value: getattr(value, "verb", value),
)
def test_what_matches_is_changed_and_nothing_else(redis_url, redis_client, change, state, target):
    store_many(redis_client, 1203, state)
    images = {str(number) for number in range(0, 1203, 3)}
    steps = []

    with Inspector(redis_url) as inspector:
        job = BulkJob(
            inspector, change, on_progress=lambda now: steps.append((now.done, now.scanned))
        )
        result = job.run(f"state:{state} type:image")

    assert (result.done, result.changed_meanwhile, result.failed) == (401, 0, 0)
    assert ids(redis_client, state) == {str(number) for number in range(1203)} - images
    assert target is None or ids(redis_client, target) == images
    assert steps[-1] == (401, result.scanned)
    assert result.total == 1203


def test_a_job_that_is_repeated_finds_what_is_left(redis_url, redis_client):
    store_many(redis_client, 30)
    change = Change(verb="reschedule", at=LATER)

    with Inspector(redis_url) as inspector:
        done = [(BulkJob(inspector, change, limit=7).run("type:image")).done for _ in range(3)]

    assert done == [7, 3, 0]
    assert len(ids(redis_client, "scheduled")) == 10


def test_a_filter_of_queue_and_state_alone_reads_no_task(redis_url, redis_client):
    store_many(redis_client, 1203, "scheduled")
    store(redis_client, "scheduled", "other", queue="low")

    with Inspector(redis_url) as inspector:
        redis_client.config_resetstat()
        result = BulkJob(inspector, DELETE).run("queue:mail state:scheduled")
        called = redis_client.info("commandstats")

    assert (result.done, result.scanned, result.total) == (1203, 1203, 1203)
    assert "cmdstat_hmget" not in called or called["cmdstat_hmget"]["calls"] < 1500
    assert ids(redis_client, "scheduled", "low") == {"other"}


def test_a_task_that_changes_its_state_meanwhile_is_left_alone(redis_url, redis_client):
    store(redis_client, "retry", "a")
    store(redis_client, "pending", "b")
    store(redis_client, "retry", "c")
    seen = [TaskRef("mail", name, TaskState.RETRY) for name in ("a", "b", "gone")]

    with Inspector(redis_url) as inspector:
        result = BulkJob(inspector, DELETE).run_on(seen)

    assert (result.done, result.changed_meanwhile, result.failed) == (1, 2, 0)
    assert ids(redis_client, "pending") == {"b"}
    assert ids(redis_client, "retry") == {"c"}


def test_what_fails_is_told_with_its_reason_and_keeps_no_other(redis_url, redis_client):
    store(redis_client, "active", "a")
    store(redis_client, "retry", "b")

    with Inspector(redis_url) as inspector:
        job = BulkJob(inspector, DELETE)
        result = job.run_on([TaskRef("mail", name) for name in ("a", "b", "c")])

    assert (result.done, result.changed_meanwhile, result.failed) == (1, 0, 2)
    assert [each.id for each in result.failures] == ["a", "c"]
    assert "task 'a' is active" in result.failures[0].reason


def test_a_task_that_has_failed_since_the_start_is_not_run_again(redis_url, redis_client):
    clock = FakeClock(datetime(2030, 1, 1, tzinfo=UTC))
    store(redis_client, "retry", "old", last_failed_at=1_800_000_000)
    store(redis_client, "retry", "new", last_failed_at=1_900_000_000)

    with Inspector(redis_url, clock=clock) as inspector:
        result = BulkJob(inspector, RUN).run("type:email")

    assert result.done == 1
    assert ids(redis_client, "retry") == {"new"}


def test_completed_tasks_run_again_only_if_their_state_is_named(redis_url, redis_client):
    store(redis_client, "completed", "a")
    store(redis_client, "archived", "b", score=1000)

    with Inspector(redis_url) as inspector:
        assert (BulkJob(inspector, RUN).run("type:email")).done == 1
        assert (BulkJob(inspector, RUN).run("type:email state:completed")).done == 1


@pytest.mark.parametrize("query", ["state:retry,archived", "state:retry,archived type:email"])
def test_a_place_that_is_broken_hides_no_other(redis_url, redis_client, query):
    store(redis_client, "archived", "a")
    redis_client.set("asynq:{mail}:retry", "no set")

    with Inspector(redis_url) as inspector:
        result = BulkJob(inspector, DELETE).run(query)

    assert (result.done, len(result.broken)) == (1, 1)
    assert result.broken[0].startswith("retry tasks of queue 'mail': ")


def test_a_damaged_task_can_be_deleted_by_its_place(redis_url, redis_client):
    store(redis_client, "archived", "a")
    redis_client.hset("asynq:{mail}:t:a", "msg", b"\xff")

    with Inspector(redis_url) as inspector:
        by_type = BulkJob(inspector, DELETE).run("error~x")
        by_id = BulkJob(inspector, DELETE).run("id:a state:archived")

    assert (by_type.done, by_id.done) == (0, 1)
    assert not redis_client.exists("asynq:{mail}:t:a")


def test_all_groups_are_changed(redis_url, redis_client):
    for name in "ab":
        store(redis_client, "aggregating", name, group=name, score=1000)
        redis_client.hset(f"asynq:{{mail}}:t:{name}", "group", name)

    with Inspector(redis_url) as inspector:
        one = BulkJob(inspector, RUN).run("group:a")
        all_others = BulkJob(inspector, RUN).run("state:aggregating")

    assert (one.done, all_others.done) == (1, 1)


@pytest.mark.parametrize("query", ["state:archived", "state:archived type:email,image"])
def test_a_job_stops_after_the_chunk_in_which_it_is_cancelled(redis_url, redis_client, query):
    store_many(redis_client)
    stops = []

    with Inspector(redis_url) as inspector:
        job = BulkJob(inspector, DELETE, on_progress=stops.append, is_cancelled=lambda: bool(stops))
        result = job.run(query)

    assert (result.done, result.is_cancelled) == (500, True)
    assert len(ids(redis_client, "archived")) == 703


def test_a_limit_is_exact(redis_url, redis_client):
    store_many(redis_client)

    with Inspector(redis_url) as inspector:
        result = BulkJob(inspector, DELETE, limit=601).run("state:archived")

    assert result.done == 601
    assert len(ids(redis_client, "archived")) == 602


def test_a_throttle_changes_no_more_than_a_seconds_worth_at_once(redis_url, redis_client):
    store_many(redis_client, 30)
    steps = []

    with Inspector(redis_url) as inspector:
        job = BulkJob(
            inspector, DELETE, per_second=20, on_progress=lambda now: steps.append(now.done)
        )
        job.run("state:archived")

    assert sorted(set(steps)) == [20, 30]


def test_mistakes_are_told_and_change_nothing(redis_url, redis_client):
    store(redis_client, "active", "a")

    with Inspector(redis_url) as inspector:
        job = BulkJob(inspector, DELETE)
        for call in (job.run, job.preview):
            with pytest.raises(FilterError):
                call("stat:x")
            with pytest.raises(QueueNotFoundError):
                call("queue:nobody")
            with pytest.raises(ConfigError, match="delete takes tasks that are pending, "):
                call("state:active")
        for wrong in ({"limit": 0}, {"per_second": 0}):
            with pytest.raises(ConfigError):
                BulkJob(inspector, DELETE, **wrong)
