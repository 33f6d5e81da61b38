"""Tasks are taken from the pending list with a lease."""

from pyasynq.broker.operations import dequeue
from tests.support.builders import make_data, make_keys

KEYS = make_keys()


NOW_S = 2_000_000_000


DATA = make_data()


def test_dequeue_leases_the_oldest_tasks_in_order(run, redis_client):
    for task_id in "abc":
        redis_client.hset(KEYS.task(task_id), mapping={"msg": DATA, "pending_since": 5})
        redis_client.lpush(KEYS.pending, task_id)

    fetched = run(dequeue.dequeue_many(KEYS, count=2, owner="me", lease_expires_at_s=NOW_S))

    assert [(each.task_id, each.pending_since_ns) for each in fetched.tasks] == [("a", 5), ("b", 5)]
    assert redis_client.lrange(KEYS.active, 0, -1) == [b"b", b"a"]
    assert redis_client.zrange(KEYS.lease, 0, -1, withscores=True) == [
        (b"a", NOW_S),
        (b"b", NOW_S),
    ]
    assert redis_client.hgetall(KEYS.task("a")) == {
        b"msg": DATA,
        b"state": b"active",
        b"owner": b"me",
    }


def test_dequeue_drops_ghosts_and_goes_on(run, redis_client):
    redis_client.hset(KEYS.task("a"), mapping={"msg": DATA})
    redis_client.set(KEYS.task("wrong"), "no hash")
    redis_client.rpush(KEYS.pending, "a", *[f"ghost {n}" for n in range(30)], "wrong", b"\xff")

    fetched = run(dequeue.dequeue_many(KEYS, count=5, owner="me", lease_expires_at_s=NOW_S))

    assert [each.task_id for each in fetched.tasks] == ["a"]
    assert len(fetched.dropped) == 32
    assert redis_client.lrange(KEYS.active, 0, -1) == [b"a"]


def test_dequeue_works_when_memory_is_full(run, redis_client):
    redis_client.hset(KEYS.task("a"), mapping={"msg": DATA})
    redis_client.lpush(KEYS.pending, "a")
    redis_client.config_set("maxmemory", 1)

    fetched = run(dequeue.dequeue_many(KEYS, count=5, owner="me", lease_expires_at_s=NOW_S))

    redis_client.config_set("maxmemory", 0)
    assert len(fetched.tasks) == 1


def test_a_lock_until_the_start_is_freed_by_the_dequeue(run, redis_client):
    lock = "asynq:{mail}:unique:l"
    redis_client.set(lock, "a")
    fields = {"msg": DATA, "unique_key": lock, "unique_until": "started"}
    redis_client.hset(KEYS.task("a"), mapping=fields)
    redis_client.lpush(KEYS.pending, "a")

    run(dequeue.dequeue_many(KEYS, count=1, owner="me", lease_expires_at_s=NOW_S))

    assert redis_client.exists(lock) == 0
