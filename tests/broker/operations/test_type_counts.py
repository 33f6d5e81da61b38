"""Statistics of task types in Redis: added up, bounded, and only of the last hour."""

from pyasynq.broker.operations import type_counts
from pyasynq.wire.type_counts import MOST_TYPES, TypeCountsRecord
from tests.support.builders import make_keys
from tests.support.kept_history import run

KEYS = make_keys()
MINUTE = 33_333_333


def counted(count=1, failures=0, run=None, wait=None):
    return TypeCountsRecord(count=count, failures=failures, run=run or {}, wait=wait or {})


def write(counts, minute=MINUTE):
    return type_counts.count_types(KEYS, minute, counts)


def read(task_type):
    return type_counts.read_type_counts(KEYS, task_type)


def test_what_several_servers_counted_is_added_up(redis_url, redis_client):
    one = counted(3, 1, run={"5": 2, "9": 1}, wait={"0": 3})
    other = counted(2, 0, run={"9": 2})

    _, _, found = run(
        redis_url, write({"email": one, "sms": one}), write({"email": other}), read("email")
    )

    assert found == {MINUTE: counted(5, 1, run={"5": 2, "9": 3}, wait={"0": 3})}


def test_minutes_are_apart_and_those_before_the_last_hour_are_gone(redis_url, redis_client):
    writes = [write({"email": counted()}, MINUTE + each) for each in (0, 1, 60)]

    *_, found = run(redis_url, *writes, read("email"))

    assert sorted(found) == [MINUTE + 1, MINUTE + 60]


def test_statistics_expire_by_themselves(redis_url, redis_client):
    run(redis_url, write({"email": counted()}))

    assert {redis_client.ttl(key) for key in redis_client.keys("*")} == {65 * 60}
    assert set(redis_client.keys("*")) == {
        KEYS.types.encode(),
        KEYS.type_counts("email").encode(),
    }


def test_types_beyond_the_limit_are_counted_together(redis_url, redis_client):
    redis_client.zadd(KEYS.types, {f"t{n}": MINUTE for n in range(MOST_TYPES - 1)})
    given = {name: counted() for name in ("last", "too many", "even more", "t7")}

    _, listed, rest, known = run(
        redis_url,
        write(given),
        type_counts.list_counted(KEYS, since_minute=MINUTE),
        read("*"),
        read("t7"),
    )

    assert rest == {MINUTE: counted(2)}
    assert known == {MINUTE: counted(1)}
    assert {"last", "*"} <= set(listed)
    assert "too many" not in listed


def test_a_type_without_recent_statistics_leaves_the_index(redis_url, redis_client):
    writes = [
        write({name: counted()}, minute) for name, minute in (("a", MINUTE), ("b", MINUTE + 66))
    ]

    _, _, listed = run(redis_url, *writes, type_counts.list_counted(KEYS, since_minute=0))

    assert listed == ["b"]


def test_only_types_with_statistics_since_then_are_listed(redis_url, redis_client):
    writes = [
        write({name: counted()}, minute) for name, minute in (("a", MINUTE), ("b", MINUTE + 5))
    ]

    _, _, listed = run(redis_url, *writes, type_counts.list_counted(KEYS, since_minute=MINUTE + 1))

    assert listed == ["b"]


def test_what_cannot_be_read_is_counted_over(redis_url, redis_client):
    for garbage in (
        b"\xff",
        b"[1]",
        b"7",
        b"null",
        b'{"n":"x","run":3}',
        b'{"n":null,"run":{"5":[]}}',
    ):
        redis_client.flushall()
        redis_client.hset(KEYS.type_counts("email"), mapping={str(MINUTE): garbage, "x": b"{}"})

        _, found = run(redis_url, write({"email": counted(2, run={"5": 2})}), read("email"))

        assert found[MINUTE].count == 2


def test_unreadable_statistics_are_left_out(redis_url, redis_client):
    redis_client.hset(
        KEYS.type_counts("email"), mapping={"1": b"\xff", "2": b'{"n":1}', "x": b"{}"}
    )

    assert run(redis_url, read("email")) == [{2: counted(1)}]
