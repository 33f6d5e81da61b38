# Generated from test_task_import_async.py by tools/unasync.py: change that file.
"""Tasks are stored from lines of text; the blocking twin of this file is generated."""

import json

import pytest

from pyasynq.clock import FakeClock, to_datetime
from pyasynq.errors import (
    ConfigError,
    DuplicateTaskError,
    ImportLineError,
    IncompatibleRedisError,
    TaskIdConflictError,
)
from pyasynq.inspector.imports import ImportResult
from pyasynq.inspector.inspector import Inspector
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.message import decode
from tests.support.builders import NOW_NS, make_active, make_data
from tests.support.golden_state import dump
from tests.support.redis_kinds import in_namespace, with_next_database
from tests.support.stored_tasks import FAR_S, store

KEYS = queue_keys("mail")
LOCK = KEYS.unique("email", b"x")
LINE = {"format": 1, "queue": "mail", "id": "a", "state": "pending", "type": "email"}


def line(**fields):
    given = {**LINE, **fields}
    return json.dumps({name: value for name, value in given.items() if value is not None})


def inspecting(url):
    return Inspector(url, clock=FakeClock(to_datetime(NOW_NS)))


def imported(url, *lines, **options):
    with inspecting(url) as inspector:
        return inspector.tasks.import_(lines, **options)


def moved(url, client, **options):
    """Export everything, empty Redis, and import it again."""
    with inspecting(url) as inspector:
        lines = [str(line) for line in inspector.tasks.export()]
        client.flushall()
        return inspector.tasks.import_(lines, **options)


def test_the_least_that_a_line_needs_is_a_pending_task(redis_url, redis_client):
    result = imported(redis_url, line(), "", line(id="b", payload="x", headers={"k": "v"}))

    assert result == ImportResult(imported=2, lines=2)
    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"b", b"a"]
    assert redis_client.hgetall(KEYS.task("a")) == {
        b"msg": make_data(retry=0),
        b"state": b"pending",
    }
    message = decode(redis_client.hget(KEYS.task("b"), "msg"))
    assert (message.id, message.payload, message.headers) == ("b", b"x", {"k": "v"})
    assert redis_client.smembers("asynq:queues") == {b"mail"}


def test_a_running_task_becomes_the_next_one_in_line(redis_url, redis_client):
    store(redis_client, "pending", "p")
    make_active(redis_client, "a", owner="me", on_cancel="drop", deferred="2")

    moved(redis_url, redis_client)

    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"p", b"a"]
    assert redis_client.hgetall(KEYS.task("a")) == {
        b"msg": make_data(),
        b"state": b"pending",
        b"deferred": b"2",
        b"pending_since": str(NOW_NS).encode(),
    }
    assert not redis_client.exists(KEYS.active, KEYS.lease)


def test_a_second_import_skips_what_is_there_and_goes_on(redis_url, redis_client):
    lines = [line(id=each, state="archived", score=FAR_S) for each in "abc"]
    imported(redis_url, *lines[:2])
    before = dump(redis_client)[KEYS.task("a").encode()]

    result = imported(redis_url, *lines)

    assert result == ImportResult(imported=1, skipped=2, lines=3)
    assert dump(redis_client)[KEYS.task("a").encode()] == before
    assert redis_client.zcard(KEYS.archived) == 3


def test_a_conflict_can_be_an_error_after_which_nothing_is_stored(redis_url, redis_client):
    store(redis_client, "retry", "b")
    before = dump(redis_client)[KEYS.task("b").encode()]

    with pytest.raises(ImportLineError, match="line 2: task 'b' is already in queue") as caught:
        imported(redis_url, *(line(id=each) for each in "abc"), on_conflict="fail")

    assert isinstance(caught.value.__cause__, TaskIdConflictError)
    assert caught.value.line == 2
    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"a"]
    assert dump(redis_client)[KEYS.task("b").encode()] == before


def test_a_conflict_can_be_solved_by_a_new_id(redis_url, redis_client):
    store(redis_client, "retry", "a")
    redis_client.set(LOCK, "a", ex=60)

    result = imported(
        redis_url, line(unique_key=LOCK, lock_ms=5000), line(id="b"), on_conflict="new-id"
    )

    assert result == ImportResult(imported=2, renamed=1, lines=2)
    new, _b = redis_client.lrange(KEYS.pending, 0, -1)
    assert len(new) == 36
    assert decode(redis_client.hget(KEYS.task(new.decode()), "msg")).id == new.decode()
    assert redis_client.get(LOCK) == b"a"


@pytest.mark.parametrize("on_conflict", ["skip", "fail", "new-id"])
def test_a_lock_that_another_task_holds_is_a_conflict(on_conflict, redis_url, redis_client):
    redis_client.set(LOCK, "other", ex=60)
    lines = [line(unique_key=LOCK, lock_ms=5000)]

    if on_conflict == "fail":
        with pytest.raises(ImportLineError) as caught:
            imported(redis_url, *lines, on_conflict=on_conflict)
        assert isinstance(caught.value.__cause__, DuplicateTaskError)
    else:
        imported(redis_url, *lines, on_conflict=on_conflict)

    assert redis_client.get(LOCK) == b"other"
    assert redis_client.llen(KEYS.pending) == (on_conflict == "new-id")


@pytest.mark.parametrize(("lock_ms", "lasts"), [(90_000, True), (-1, False)])
def test_a_unique_lock_is_held_for_the_rest_of_its_time(lock_ms, lasts, redis_url, redis_client):
    imported(redis_url, line(unique_key=LOCK, lock_ms=lock_ms))

    assert redis_client.get(LOCK) == b"a"
    left = redis_client.pttl(LOCK)
    assert 60_000 < left <= 90_000 if lasts else left == -1


def test_a_task_that_does_not_hold_its_lock_takes_none(redis_url, redis_client):
    imported(redis_url, line(unique_key=LOCK, fields={"unique_key": LOCK}))

    assert not redis_client.exists(LOCK)
    assert redis_client.hget(KEYS.task("a"), "unique_key") == LOCK.encode()


def test_tasks_can_go_to_another_queue_and_namespace(redis_url, redis_client):
    given = line(unique_key=LOCK, lock_ms=5000, fields={"unique_key": LOCK})

    with Inspector(in_namespace(redis_url, "shop")) as inspector:
        inspector.tasks.import_([given], queue="ads")

    keys = queue_keys("ads", "shop")
    lock = keys.unique("email", b"x")
    message = decode(redis_client.hget(keys.task("a"), "msg"))
    assert redis_client.lrange(keys.pending, 0, -1) == [b"a"]
    assert (message.queue, message.unique_key) == ("ads", lock)
    assert redis_client.hget(keys.task("a"), "unique_key") == lock.encode()
    assert redis_client.get(lock) == b"a"
    assert not redis_client.exists(LOCK, KEYS.pending)


def test_a_task_that_is_to_join_a_group_is_noted_for_the_aggregator(redis_url, redis_client):
    imported(redis_url, line(state="scheduled", score=FAR_S, fields={"group": "g"}))

    assert redis_client.zrange(KEYS.scheduled_groups, 0, -1, withscores=True) == [(b"g", FAR_S)]


def test_forwarders_hear_of_a_task_that_is_due_first(redis_url, redis_client):
    listening = redis_client.pubsub()
    listening.subscribe("asynq:x:due")
    listening.get_message(timeout=5)

    imported(redis_url, line(state="scheduled", score=FAR_S))

    assert listening.get_message(timeout=5)["data"] == b"4102444800000000000 mail"
    listening.close()


def test_a_dry_run_counts_and_changes_nothing(redis_url, redis_client):
    store(redis_client, "retry", "b")
    before = dump(redis_client)
    lines = [line(id=each) for each in "abc"]

    results = [
        imported(redis_url, *lines, dry_run=True, on_conflict=each) for each in ("skip", "new-id")
    ]

    assert results == [
        ImportResult(imported=2, skipped=1, lines=3),
        ImportResult(imported=3, renamed=1, lines=3),
    ]
    assert dump(redis_client) == before


def test_progress_is_told_and_may_stop_the_import(redis_url, redis_client):
    seen = []

    def stop(result):
        seen.append(result.lines)
        if len(seen) == 2:
            raise KeyError

    with inspecting(redis_url) as inspector:
        with pytest.raises(KeyError):
            inspector.tasks.import_(
                (line(id=f"t{number}") for number in range(1000)), on_progress=stop
            )

    assert seen == [200, 400]
    assert redis_client.llen(KEYS.pending) == 400


BAD = {
    "not json": "it is not a task: JSON is malformed",
    "[1]": "it is not a task: Expected `object`",
    '{"queue": "mail"}': "missing required field `format`",
    line(format=2): "its format is 2, and this pyasynq reads 1; use a newer version",
    line(colour="red"): "unknown field `colour`",
    line(max_retry="3"): "Expected `int`, got `str` - at `$.max_retry`",
    line(max_retry=2**40): "the task cannot be stored",
    line(state="waiting"): "state must be",
    line(state="retry"): "a task that is retry needs a score, in Unix seconds",
    line(state="retry", score="soon"): "score must be a number, not 'soon'",
    line(state="retry", score="nan"): "score must be a number, not 'nan'",
    line(queue=" "): "queue must not be blank",
    line(namespace="{}", queue="\ud800"): "it is not a task",
    line(id=""): "id must not be empty",
    line(id_base64="!"): "id and id_base64 contradict each other",
    line(id="", id_base64="!"): "id_base64 is not base64",
    line(payload="a", payload_base64="YQ=="): "payload and payload_base64 contradict each other",
    line(deadline="2033-05-18"): "deadline is not a time with a zone",
    line(deadline="soon"): "deadline is not a time with a zone",
    line(message_base64="CgVlbWFpbA==", type="sms"): "its fields and message_base64 contradict",
    line(lock_ms=5): "lock_ms is given, but '' is no lock of queue 'mail'",
    line(lock_ms=5, unique_key="elsewhere"): "is no lock of queue 'mail'",
    line(lock_ms=0, unique_key=LOCK): "lock_ms must be a number of milliseconds, or -1, not 0",
    line(fields={"msg": "x"}): "fields must not hold msg",
    line(fields={str(number): "" for number in range(1001)}): "at most 1000 are allowed",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_line_is_an_error_with_its_number_and_changes_nothing(text, redis_url, redis_client):
    with pytest.raises(ImportLineError) as caught:
        imported(redis_url, line(id="good"), "", text, line(id="later"))

    assert str(caught.value).startswith("line 3: ")
    assert BAD[text] in str(caught.value)
    assert redis_client.keys() != []
    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"good"]
    assert not redis_client.exists(KEYS.task("a"))


def test_bad_lines_can_be_told_while_the_others_are_stored(redis_url, redis_client):
    redis_client.set(KEYS.retry, "no set")
    told = []

    result = imported(
        redis_url,
        *("?", line(id="b"), line(id="c", state="retry", score=5), b"\xff", line(id="e")),
        on_bad_line=told.append,
    )

    assert result == ImportResult(imported=2, bad=3, lines=5)
    assert [each.line for each in told] == [1, 3, 4]
    assert "retry" in told[1].reason
    assert not redis_client.exists(KEYS.task("c"))


def test_a_full_redis_stops_the_import_at_once(redis_url, redis_client):
    told = []

    def fill(_result):
        redis_client.config_set("maxmemory", 1)

    with pytest.raises(IncompatibleRedisError, match="out of memory"):
        imported(
            redis_url,
            *(line(id=f"t{number}") for number in range(600)),
            on_progress=fill,
            on_bad_line=told.append,
        )

    assert told == []
    assert redis_client.llen(KEYS.pending) == 200


@pytest.mark.parametrize(
    "options", [{"on_conflict": "replace"}, {"active": "retry"}, {"queue": " "}]
)
def test_wrong_arguments_are_told_before_anything_is_read(options, redis_url, redis_client):
    with pytest.raises(ConfigError):
        imported(redis_url, line(), **options)

    assert redis_client.keys() == []


@pytest.mark.not_on_a_cluster("a cluster has one database")
def test_an_export_goes_straight_into_an_import(redis_url, redis_client):
    for number in range(450):
        store(redis_client, "archived", f"t{number:03}", score=FAR_S + number)

    with (
        inspecting(redis_url) as here,
        Inspector(with_next_database(redis_url)) as there,
    ):
        result = there.tasks.import_(here.tasks.export("mail"))

    assert result == ImportResult(imported=450, lines=450)
