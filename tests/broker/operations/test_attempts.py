"""The history of tasks in Redis: bounded in every direction, and whole after a repeated write."""

from msgspec.structs import replace

from pyasynq.broker.operations import attempts
from pyasynq.broker.operations.attempts import StoredAttempt
from pyasynq.wire.attempts import AttemptRecord, encode
from tests.support.builders import make_keys
from tests.support.golden_state import expires_at
from tests.support.kept_history import run

KEYS = make_keys()
NOW_S = 2_000_000_000


def stored(task_id, number, *, ends_in_s=60, **fields):
    record = AttemptRecord(number=number, started_ns=(NOW_S + number) * 1_000_000_000, **fields)
    return StoredAttempt(
        task_id=task_id,
        at_us=(NOW_S + number) * 1_000_000,
        ends_at_s=NOW_S + ends_in_s,
        data=encode(record),
    )


def record(*given, kept=20, most_histories=100, now_s=NOW_S):
    return attempts.record_attempts(
        KEYS, given, kept=kept, most_histories=most_histories, now_s=now_s
    )


def read(task_id):
    return attempts.read_attempts(KEYS, task_id)


def test_attempts_are_read_in_their_order(redis_url, redis_client):
    given = [stored("a", 2), stored("b", 7), stored("a", 1)]

    _, of_a, of_b = run(redis_url, record(*given), read("a"), read("b"))

    assert [each.number for each in of_a] == [1, 2]
    assert [each.number for each in of_b] == [7]


def test_the_end_of_an_attempt_takes_the_place_of_its_start(redis_url, redis_client):
    started = stored("a", 1)
    ended = replace(stored("a", 1, outcome="succeeded"), replaces=True)

    *_, found = run(redis_url, record(started), record(ended), record(ended), read("a"))

    assert [(each.number, each.outcome) for each in found] == [(1, "succeeded")]


def test_only_the_last_attempts_are_kept(redis_url, redis_client):
    writes = [record(*(stored("a", n) for n in some), kept=3) for some in ((1, 2), (3, 4, 5))]

    *_, found = run(redis_url, *writes, read("a"))

    assert [each.number for each in found] == [3, 4, 5]


def test_a_history_and_its_index_expire(redis_url, redis_client):
    given = [stored("a", 1, ends_in_s=60), stored("b", 1, ends_in_s=600)]

    run(redis_url, record(*given))

    assert expires_at(redis_client, KEYS.attempts_of("a")) == NOW_S + 60
    assert expires_at(redis_client, KEYS.attempts_of("b")) == NOW_S + 600
    assert expires_at(redis_client, KEYS.attempts) == NOW_S + 600


def test_the_histories_that_end_first_are_forgotten_first(redis_url, redis_client):
    given = [stored(name, 1, ends_in_s=at) for name, at in (("a", 90), ("b", 30), ("c", 60))]

    run(redis_url, record(*given, most_histories=2))

    assert redis_client.zrange(KEYS.attempts, 0, -1) == [b"c", b"a"]
    assert not redis_client.exists(KEYS.attempts_of("b"))


def test_the_index_does_not_keep_what_has_expired(redis_url, redis_client):
    later = record(stored("b", 1, ends_in_s=90), now_s=NOW_S + 61)

    run(redis_url, record(stored("a", 1, ends_in_s=60)), later)

    assert redis_client.zrange(KEYS.attempts, 0, -1) == [b"b"]


def test_what_cannot_be_read_is_left_out(redis_url, redis_client):
    redis_client.zadd(KEYS.attempts_of("a"), {b"\xff": 1, b"[]": 2, b'{"n":"x"}': 3, b'{"n":4}': 4})

    (found,) = run(redis_url, read("a"))

    assert found == [AttemptRecord(number=4)]


def test_histories_are_deleted_in_bounded_steps(redis_url, redis_client):
    run(redis_url, record(*(stored(f"t{n}", n) for n in range(5))))
    forget = attempts.forget_attempts(KEYS, limit=2)

    assert run(redis_url, forget, forget, forget, forget) == [3, 1, 0, 0]
    assert redis_client.keys("*") == []
