"""Only the owner of a task can end it."""

from hashlib import sha1
from itertools import takewhile

import pytest

from pyasynq.broker.operations import finish
from pyasynq.broker.operations.finish import Fence
from pyasynq.errors import ConfigError, PyasynqError
from tests.support.builders import NOW_NS, make_data, make_keys
from tests.support.golden_state import dump

KEYS = make_keys()
NOW_S = 2_000_000_000
DATA = make_data()


def done(*task_ids: str, fence: Fence = Fence(owner="me"), unique_key: str = ""):
    items = [
        finish.ToDelete(task_id=task_id, fence=fence, unique_key=unique_key) for task_id in task_ids
    ]
    return finish.done_many(KEYS, items, now_ns=NOW_NS)


ENDINGS = {
    "done": done("a"),
    "complete": finish.complete_many(
        KEYS,
        [finish.ToComplete(task_id="a", fence=Fence(owner="me"), data=DATA, expires_at_s=9)],
        now_ns=NOW_NS,
    ),
    "retry": finish.retry_many(
        KEYS,
        [
            finish.ToRetry(
                task_id="a",
                fence=Fence(owner="me"),
                data=DATA,
                retry_at_ns=NOW_NS,
                is_failure=True,
            )
        ],
        now_ns=NOW_NS,
    ),
    "archive": finish.archive_many(
        KEYS,
        [finish.ToArchive(task_id="a", fence=Fence(owner="me"), data=DATA)],
        now_ns=NOW_NS,
    ),
    "requeue": finish.requeue_many(KEYS, [finish.ToRequeue(task_id="a", fence=Fence(owner="me"))]),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_task_of_another_owner_is_left_alone(name, run, active, redis_client):
    active("a", owner="somebody else")
    before = dump(redis_client)

    assert run(ENDINGS[name]) == [False]

    assert dump(redis_client) == before


@pytest.mark.parametrize("name", ENDINGS)
def test_a_task_that_is_not_active_is_left_alone(name, run, active, redis_client):
    active("a")
    redis_client.delete(KEYS.active)
    before = dump(redis_client)

    assert run(ENDINGS[name]) == [False]

    assert dump(redis_client) == before


@pytest.mark.parametrize("name", ENDINGS)
def test_an_ended_task_has_no_owner_and_no_lease(name, run, active, redis_client):
    active("a")

    assert run(ENDINGS[name]) == [True]

    assert redis_client.hget(KEYS.task("a"), "owner") is None
    assert redis_client.exists(KEYS.lease, KEYS.active) == 0


@pytest.mark.parametrize("name", ENDINGS)
def test_a_full_redis_still_drains(name, run, active, redis_client):
    active("a")
    redis_client.config_set("maxmemory", 1)

    assert run(ENDINGS[name]) == [True]

    redis_client.config_set("maxmemory", 0)
    assert redis_client.llen(KEYS.active) == 0


def test_a_message_that_was_rewritten_meanwhile_refuses_a_late_write(run, active):
    active("a", "b")
    digest = sha1(DATA, usedforsecurity=False).hexdigest()
    other = sha1(make_data(retried=1), usedforsecurity=False).hexdigest()

    assert run(done("a", fence=Fence(owner="me", digest=other))) == [False]
    assert run(done("a", fence=Fence(owner="me", digest=digest))) == [True]


def test_two_recoverers_end_a_task_once(run, active):
    active("a", lease_s=NOW_S - 40)
    fence = Fence(lease_cutoff_s=NOW_S - 30)

    assert run(done("a", fence=fence)) == [True]
    assert run(done("a", fence=fence)) == [False]


def test_a_lease_that_was_extended_meanwhile_stops_recovery(run, active):
    active("a", lease_s=NOW_S - 29)

    assert run(done("a", fence=Fence(lease_cutoff_s=NOW_S - 30))) == [False]


def test_items_of_a_batch_end_one_by_one(run, active, redis_client):
    active("a", "c")
    active("b", owner="somebody else")
    redis_client.set(KEYS.task("wrong"), "no hash")
    redis_client.lpush(KEYS.active, "wrong")

    assert run(done("a", "b", "missing", "wrong", "c")) == [True, False, False, False, True]

    assert redis_client.lrange(KEYS.active, 0, -1) == [b"wrong", b"b"]
    assert redis_client.get(KEYS.processed) == b"2"


def test_a_lock_is_freed_only_by_its_holder(run, active, redis_client):
    active("a", "b")
    redis_client.set("asynq:{mail}:unique:mine", "a")
    redis_client.set("asynq:{mail}:unique:other", "z")

    run(done("a", unique_key="asynq:{mail}:unique:mine"))
    run(done("b", unique_key="asynq:{mail}:unique:other"))

    assert redis_client.keys("asynq:{mail}:unique:*") == [b"asynq:{mail}:unique:other"]


def test_a_completed_task_loses_the_result_of_an_earlier_attempt(run, active, redis_client):
    active("a")
    redis_client.hset(KEYS.task("a"), "result", "of an earlier attempt")

    run(ENDINGS["complete"])

    assert redis_client.hget(KEYS.task("a"), "result") is None


def test_a_task_whose_hash_was_evicted_is_restored_from_memory(run, active, redis_client):
    active("a")
    redis_client.delete(KEYS.task("a"))

    assert run(ENDINGS["retry"]) == [True]

    assert redis_client.hget(KEYS.task("a"), "msg") == DATA
    assert redis_client.zscore(KEYS.retry, "a") == NOW_S


def test_a_retry_set_of_a_wrong_type_changes_nothing(run, active, redis_client):
    active("a")
    redis_client.set(KEYS.retry, "no set")
    before = dump(redis_client)

    with pytest.raises(PyasynqError, match="WRONGTYPE"):
        run(ENDINGS["retry"])

    assert dump(redis_client) == before


@pytest.mark.parametrize("size", [0, 501])
def test_a_batch_has_from_1_to_500_tasks(size):
    with pytest.raises(ConfigError, match="from 1 to 500 tasks"):
        done(*["a"] * size)


@pytest.mark.parametrize("position", [0, 1, 70, 300, 1_000, 2_400, 2_999])
def test_any_of_many_active_tasks_is_taken_out_and_the_others_keep_their_order(
    run, active, redis_client, position
):
    ids = [f"t{number}" for number in range(3_000)]
    redis_client.lpush(KEYS.active, *ids)
    redis_client.hset(KEYS.task(ids[position]), mapping={"msg": DATA, "owner": "me"})

    assert run(done(ids[position])) == [True]

    left = [each.decode() for each in redis_client.lrange(KEYS.active, 0, -1)]
    assert left == [each for each in reversed(ids) if each != ids[position]]


@pytest.mark.parametrize("is_oldest", [True, False])
def test_a_task_is_looked_for_near_both_ends_of_a_long_active_list(
    run, active, redis_client, is_oldest
):
    others = [f"t{number}" for number in range(3_000)]
    redis_client.lpush(KEYS.active, *others)
    if is_oldest:
        redis_client.rpush(KEYS.active, "a")
        redis_client.hset(KEYS.task("a"), mapping={"msg": DATA, "owner": "me"})
    else:
        active("a")

    with redis_client.monitor() as monitor:
        run(done("a"))
        redis_client.ping()
        listened = monitor.listen()
        seen = [
            each["command"] for each in takewhile(lambda each: each["command"] != "PING", listened)
        ]

    assert f"LREM {KEYS.active} {-1 if is_oldest else 1} a" in seen
    assert all("MAXLEN" in each for each in seen if each.startswith("LPOS"))


@pytest.mark.parametrize("command", ["ltrim", "lrange"])
def test_a_batch_ends_without_the_right_to_cut_the_list(command, run, active, redis_client):
    active("a", "b", "c")
    redis_client.execute_command("ACL", "SETUSER", "default", f"-{command}")
    try:
        assert run(done("a", "b")) == [True, True]
    finally:
        redis_client.execute_command("ACL", "SETUSER", "default", f"+{command}")

    assert redis_client.lrange(KEYS.active, 0, -1) == [b"c"]


@pytest.mark.parametrize("ended", [("a", "b"), ("c", "d"), ("b", "d"), ("d", "a")])
def test_a_batch_leaves_the_others_in_their_order(ended, run, active, redis_client):
    active("a", "b", "c", "d")

    assert run(done(*ended)) == [True, True]

    left = [name.encode() for name in "dcba" if name not in ended]
    assert redis_client.lrange(KEYS.active, 0, -1) == left


def test_an_id_that_comes_twice_in_a_batch_ends_once(run, active, redis_client):
    active("a", "b")

    assert run(done("a", "a")) == [True, False]

    assert redis_client.lrange(KEYS.active, 0, -1) == [b"b"]
    assert redis_client.get(KEYS.processed) == b"1"
