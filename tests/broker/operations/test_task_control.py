"""Operations that move, change and delete tasks out of turn."""

import pytest

from pyasynq.broker.operations import queue_control, task_control, task_lists
from pyasynq.broker.operations.task_control import Answer, Chunk, Replaced, Verdict
from pyasynq.errors import ConfigError
from pyasynq.task import TaskState
from tests.support.builders import NOW_NS, make_active, make_data, make_keys

KEYS = make_keys()
RETRY = task_lists.container(KEYS, TaskState.RETRY)
PENDING = task_lists.container(KEYS, TaskState.PENDING)
OTHER_TYPES = ["list", "string"]


def replace(read, written, **fields):
    return task_control.replace_message(
        KEYS, "a", read=read, written=written, **{"state": "retry", **fields}
    )


def test_a_message_that_was_changed_since_is_not_replaced(run, redis_client):
    redis_client.hset(KEYS.task("a"), mapping={"msg": make_data(retry=5), "state": "retry"})

    answer = run(replace(make_data(), make_data(retry=9)))

    assert answer == Replaced(Verdict.WRONG_STATE)
    assert redis_client.hget(KEYS.task("a"), "msg") == make_data(retry=5)


def test_the_message_of_a_task_that_began_to_run_is_not_replaced(run, redis_client):
    make_active(redis_client, "a", data=make_data())

    assert run(replace(make_data(), make_data(retry=9))).verdict is Verdict.WRONG_STATE
    assert redis_client.hget(KEYS.task("a"), "msg") == make_data()


def test_a_lock_that_was_lost_is_not_taken_again(run, redis_client):
    redis_client.hset(KEYS.task("a"), mapping={"msg": make_data(), "state": "retry"})
    redis_client.set("asynq:{mail}:old", "another")

    answer = run(
        replace(
            make_data(), make_data(retry=9), lock="asynq:{mail}:old", new_lock="asynq:{mail}:new"
        )
    )

    assert answer == Replaced(Verdict.DONE)
    assert redis_client.get("asynq:{mail}:old") == b"another"
    assert not redis_client.exists("asynq:{mail}:new")


@pytest.mark.parametrize("value", OTHER_TYPES)
def test_a_task_that_is_not_a_hash_is_absent(value, run, redis_client):
    redis_client.lpush(KEYS.task("a"), "x") if value == "list" else redis_client.set(
        KEYS.task("a"), "x"
    )
    answers = [
        run(task_control.run_task(KEYS, "a", now_ns=NOW_NS)),
        run(task_control.archive_task(KEYS, "a", now_ns=NOW_NS)),
        run(task_control.delete_task(KEYS, "a")),
        run(task_control.reschedule_task(KEYS, "a", due_ns=NOW_NS, now_ns=NOW_NS)),
    ]

    assert answers == [Answer(Verdict.ABSENT, "")] * 4
    assert run(replace(b"", b"")).verdict is Verdict.ABSENT
    assert redis_client.keys("*") == [KEYS.task("a").encode()]


def test_a_chunk_takes_the_oldest_tasks_of_a_list(run, redis_client):
    for name in "abc":
        redis_client.lpush(KEYS.pending, name)
        redis_client.hset(KEYS.task(name), mapping={"msg": make_data(), "state": "pending"})

    answer = run(task_control.move_many(KEYS, PENDING, TaskState.ARCHIVED, now_ns=NOW_NS, limit=2))

    assert answer == Chunk(taken=2, changed=2, left=1)
    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"c"]
    assert redis_client.zrange(KEYS.archived, 0, -1) == [b"a", b"b"]


@pytest.mark.parametrize("limit", [0, 501])
def test_a_chunk_is_bounded(limit):
    with pytest.raises(ConfigError, match="a batch has from 1 to 500 tasks"):
        task_control.delete_many(KEYS, RETRY, limit=limit)
    with pytest.raises(ConfigError, match="a batch has from 1 to 500 tasks"):
        task_control.move_many(KEYS, RETRY, TaskState.PENDING, now_ns=NOW_NS, limit=limit)
    with pytest.raises(ConfigError, match="a batch has from 1 to 500 tasks"):
        task_lists.walk_tasks(KEYS, RETRY, rank=0, limit=limit)


def test_a_queue_with_a_task_in_an_unlisted_place_is_not_deleted(run, redis_client):
    redis_client.sadd(KEYS.groups, "g")
    redis_client.zadd(KEYS.group("g"), {"a": 1})
    redis_client.zadd(KEYS.aggregation_sets, {KEYS.aggregation_set("g", "s"): 1})
    redis_client.set(KEYS.processed, 5)

    assert run(queue_control.delete_queue(KEYS, now_s=5)) == 2
    assert redis_client.get(KEYS.processed) == b"5"


def walk(run, **fields):
    found = run(task_lists.walk_tasks(KEYS, RETRY, limit=2, **fields))
    return found.rank, [task.task_id for task in found.tasks]


def test_a_walk_goes_on_after_the_last_id_whatever_came_before_it(run, redis_client):
    redis_client.zadd(KEYS.retry, dict.fromkeys("abcd", 5))
    assert walk(run, rank=0) == (0, ["a", "b"])
    redis_client.zadd(KEYS.retry, {"new": 1, "newer": 2})

    assert walk(run, rank=2, last_score="5.0", passed=["b", "a"]) == (4, ["c", "d"])


def test_a_walk_goes_on_after_an_earlier_id_if_the_last_one_is_gone_or_put_off(run, redis_client):
    redis_client.zadd(KEYS.retry, {"a": 5, "b": 9, "c": 5, "d": 6})

    assert walk(run, rank=3, last_score="5.0", passed=["gone", "b", "a"]) == (1, ["c", "d"])


def test_a_walk_that_knows_no_id_any_more_begins_again_at_its_score(run, redis_client):
    redis_client.zadd(KEYS.retry, {"a": 1, "b": 5, "c": 5})

    assert walk(run, rank=9, last_score="5.0", passed=["gone"]) == (1, ["b", "c"])


def test_a_walk_through_a_list_steps_back_if_it_knows_no_id_any_more(run, redis_client):
    redis_client.rpush(KEYS.pending, *"abc")

    found = run(task_lists.walk_tasks(KEYS, PENDING, rank=2, limit=9, passed=["gone"]))

    assert [task.task_id for task in found.tasks] == ["a", "b", "c"]
