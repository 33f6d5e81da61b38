"""Operations on tasks and keys in which somebody has stored garbage."""

import pytest

from pyasynq.broker.operations import dequeue, finish, groups, maintain
from pyasynq.broker.operations.dequeue import Waiter
from pyasynq.broker.operations.enqueue import schedule
from pyasynq.broker.operations.finish import Fence
from pyasynq.clock import NANOSECONDS
from tests.support.builders import NOW_NS, make_data, make_keys, make_prepared
from tests.support.garbage import FIELDS, GARBAGE

KEYS = make_keys()
NOW_S = NOW_NS // NANOSECONDS
ME = Fence(owner="me")
DATA = make_data()
GOOD = "good"
BAD = [f"bad {number}" for number in range(len(GARBAGE))]
OF_A_DEQUEUE = [*BAD, GOOD]

FINISH = {
    "done": lambda ids: finish.done_many(
        KEYS, [finish.ToDelete(task_id=each, fence=ME) for each in ids], now_ns=NOW_NS
    ),
    "complete": lambda ids: finish.complete_many(
        KEYS,
        [finish.ToComplete(task_id=each, fence=ME, data=DATA, expires_at_s=9) for each in ids],
        now_ns=NOW_NS,
    ),
    "retry": lambda ids: finish.retry_many(
        KEYS,
        [
            finish.ToRetry(
                task_id=each, fence=ME, data=DATA, retry_at_ns=NOW_NS, is_failure=True, deferred=2
            )
            for each in ids
        ],
        now_ns=NOW_NS,
    ),
    "archive": lambda ids: finish.archive_many(
        KEYS, [finish.ToArchive(task_id=each, fence=ME, data=DATA) for each in ids], now_ns=NOW_NS
    ),
    "requeue": lambda ids: finish.requeue_many(
        KEYS, [finish.ToRequeue(task_id=each, fence=ME) for each in ids]
    ),
}


@pytest.mark.parametrize("name", FINISH)
@pytest.mark.parametrize("field", FIELDS)
def test_garbage_in_a_field_keeps_no_other_task_of_a_batch_from_ending(
    name, field, run, active, redis_client
):
    active(*OF_A_DEQUEUE)
    for task_id, value in zip(BAD, GARBAGE, strict=True):
        redis_client.hset(KEYS.task(task_id), field, value)

    verdicts = run(FINISH[name](OF_A_DEQUEUE))

    assert verdicts == [field != "owner"] * len(BAD) + [True]


@pytest.mark.parametrize("field", FIELDS)
def test_tasks_with_garbage_in_a_field_are_dequeued_listed_and_extended_like_others(
    field, run, redis_client
):
    for task_id, value in zip(OF_A_DEQUEUE, [*GARBAGE, b""], strict=True):
        fields = {"msg": DATA, "state": "pending", "pending_since": 5, field: value}
        redis_client.hset(KEYS.task(task_id), mapping=fields)
        redis_client.lpush(KEYS.pending, task_id)
    lease = {"owner": "me", "lease_expires_at_s": NOW_S}

    fetched = run(dequeue.dequeue_many(KEYS, count=100, **lease))
    owned = run(dequeue.list_owned(KEYS, **lease))
    expired = run(maintain.list_lease_expired(KEYS, cutoff_s=NOW_S))
    late = run(
        maintain.extend_lease(KEYS, [(each, "me") for each in OF_A_DEQUEUE], until_s=NOW_S + 9)
    )

    assert [each.task_id for each in fetched.tasks] == OF_A_DEQUEUE
    assert {each.task_id for each in owned} == set(OF_A_DEQUEUE)
    assert {each.task_id for each in expired.tasks} == set(OF_A_DEQUEUE)
    assert late == []


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("at_s", [NOW_S - 1, NOW_S], ids=["earlier", "this second"])
def test_due_tasks_with_garbage_in_a_field_are_forwarded(field, at_s, run, redis_client):
    for task_id, value in zip(OF_A_DEQUEUE, [*GARBAGE, b""], strict=True):
        redis_client.hset(KEYS.task(task_id), mapping={"msg": DATA, field: value})
        redis_client.zadd(KEYS.scheduled, {task_id: at_s})

    forwarded = run(maintain.forward(KEYS, now_ns=NOW_NS))

    assert forwarded.moved == len(OF_A_DEQUEUE)


OTHER_TYPES = {
    "string": lambda redis, key: redis.set(key, "x"),
    "list": lambda redis, key: redis.rpush(key, "x"),
    "set": lambda redis, key: redis.sadd(key, "x"),
    "hash": lambda redis, key: redis.hset(key, "x", "y"),
    "stream": lambda redis, key: redis.xadd(key, {"x": "y"}),
    "scores without end": lambda redis, key: redis.zadd(key, {"": "inf", "g": "-inf", "\n": 1e300}),
}
OUR_KEYS = (KEYS.waiters, KEYS.aggregators, KEYS.scheduled_groups)


@pytest.mark.parametrize("key", OUR_KEYS)
@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_no_operation_on_tasks_needs_a_key_that_is_ours(key, kind, run, redis_client):
    OTHER_TYPES[kind](redis_client, key)
    for member in ("a", "b"):
        redis_client.hset(KEYS.task(member), mapping={"msg": DATA, "state": "aggregating"})
        redis_client.zadd(KEYS.group("g"), {member: 1})
    redis_client.hset(KEYS.task("c"), mapping={"msg": DATA, "state": "pending"})
    redis_client.lpush(KEYS.pending, "c")
    limits = {"now_s": NOW_S, "grace_s": 60, "deadline_s": NOW_S + 120}
    aggregate = make_prepared("new", group="h", process_in=9)
    waiter = Waiter(server_id="me", now_s=NOW_S)
    lease = {"owner": "me", "lease_expires_at_s": NOW_S + 30}

    stored = run(schedule([make_prepared("later", group="g", process_in=9)]))
    is_due = run(groups.check_aggregation(KEYS, "g", set_id="set", **limits))
    finished = run(groups.finish_aggregation(KEYS, "g", "set", aggregate, now_ns=NOW_NS))
    fetched = run(dequeue.dequeue_many(KEYS, count=1, waiter=waiter, **lease))
    run(dequeue.dequeue_many(KEYS, count=1, waiter=waiter, **lease))
    forwarded = run(maintain.forward(KEYS, now_ns=NOW_NS + 20 * NANOSECONDS))

    assert stored == [None]
    assert is_due
    assert finished.is_done
    assert [each.task_id for each in fetched.tasks] == ["c"]
    assert forwarded.moved == 2
