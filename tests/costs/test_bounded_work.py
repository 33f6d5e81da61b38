"""No call of a script holds Redis for long, however much somebody has stored: work is counted.

Where lists are read, Redis takes about 20 ns an entry; docs/explain/bounded-calls.md has the times.
"""

import pytest

from pyasynq.broker.operations import (
    dequeue,
    explanation,
    finish,
    groups,
    inspection,
    maintain,
)
from pyasynq.broker.operations.dequeue import Waiter
from pyasynq.broker.operations.finish import Fence
from pyasynq.broker.operations.maintain import Healed
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.connection.connector import Connector
from tests.support.builders import NOW_NS, make_data, make_keys

KEYS = make_keys()
NOW_S = NOW_NS // NANOSECONDS
MANY = 100_000
IDS = [f"{number:036}" for number in range(MANY)]
MIDDLE = IDS[MANY // 2 : MANY // 2 + 100]
DATA = make_data()
ME = Fence(owner="me")

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
            finish.ToRetry(task_id=each, fence=ME, data=DATA, retry_at_ns=NOW_NS, is_failure=True)
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
COUNTED = {"done", "complete", "retry", "archive"}


class Calls:
    """Runs operations, and counts the commands inside Redis that the last one has caused."""

    def __init__(self, url, client):
        self._client = client
        self._runner = Runner(Connector.of(url).open_sync(), clock=SystemClock())

    def run(self, operation):
        self._client.config_resetstat()
        return self._runner.run(operation, patience_s=0)

    def of(self, *commands):
        stats = self._client.info("commandstats")
        return sum(stats.get(f"cmdstat_{each}", {"calls": 0})["calls"] for each in commands)

    def close(self):
        self._runner.close()


@pytest.fixture
def calls(redis_url, redis_client):
    calls = Calls(redis_url, redis_client)
    yield calls
    calls.close()


def store_many(redis_client, store):
    """Store MANY members, some thousand a call."""
    pipe = redis_client.pipeline(transaction=False)
    for first in range(0, MANY, 5000):
        store(pipe, IDS[first : first + 5000])
    pipe.execute()


@pytest.fixture
def many_active(redis_client):
    """A very long active list; the tasks in its middle are ours."""
    store_many(redis_client, lambda pipe, ids: pipe.rpush(KEYS.active, *ids))
    for task_id in MIDDLE:
        fields = {"msg": DATA, "state": "active", "owner": "me"}
        redis_client.hset(KEYS.task(task_id), mapping=fields)
        redis_client.zadd(KEYS.lease, {task_id: NOW_S + 30})


@pytest.mark.parametrize("name", FINISH)
def test_a_batch_in_the_middle_of_a_long_list_ends_in_several_calls_each_task_once(
    name, calls, many_active, redis_client
):
    left, rounds = list(MIDDLE), 0
    while left:
        verdicts = calls.run(FINISH[name](left))
        assert calls.of("lrem") <= 3  # each reads up to 100,000 entries
        assert all(verdicts[: verdicts.index(None)] if None in verdicts else verdicts)
        left = [each for each, verdict in zip(left, verdicts, strict=True) if verdict is None]
        rounds += 1

    assert rounds > 10
    assert redis_client.llen(KEYS.active) == MANY - len(MIDDLE)
    assert redis_client.zcard(KEYS.lease) == 0
    assert int(redis_client.get(KEYS.processed) or 0) == (100 if name in COUNTED else 0)
    assert calls.run(FINISH[name](MIDDLE[:3])) == [False] * 3


@pytest.mark.parametrize("name", FINISH)
def test_a_task_that_a_call_has_left_is_untouched(name, calls, many_active, redis_client):
    verdicts = calls.run(FINISH[name](MIDDLE))

    left = [each for each, verdict in zip(MIDDLE, verdicts, strict=True) if verdict is None]
    assert len(left) > 90
    for task_id in left:
        fields = redis_client.hgetall(KEYS.task(task_id))
        assert fields == {b"msg": DATA, b"state": b"active", b"owner": b"me"}
        assert redis_client.zscore(KEYS.lease, task_id) == NOW_S + 30


def test_a_second_run_of_a_call_whose_answer_was_lost_tells_what_is_left(calls, many_active):
    operation = FINISH["done"](MIDDLE)
    first = calls.run(operation)

    again = operation.decode_repeated([0, -3])

    assert first.count(True) == 3
    assert again == [True, True, None] + [True] * (len(MIDDLE) - 3)


@pytest.mark.parametrize("side", ["newest", "oldest"])
def test_a_batch_at_an_end_of_a_long_list_ends_in_one_call(side, calls, many_active, redis_client):
    ids = IDS[:500] if side == "newest" else IDS[-500:]
    for task_id in ids:
        redis_client.hset(KEYS.task(task_id), mapping={"msg": DATA, "owner": "me"})

    verdicts = calls.run(FINISH["done"](ids))

    assert verdicts == [True] * 500


def test_healing_a_lease_and_dropping_an_id_reads_the_list_once(calls, many_active, redis_client):
    redis_client.zadd(KEYS.lease, {"gone": 1, IDS[7]: 1})

    healed = calls.run(maintain.heal_lease(KEYS, "gone", cutoff_s=NOW_S))
    assert (healed, calls.of("lpos", "lrem")) == (Healed.RESTORED, 1)

    assert calls.run(maintain.drop_ghost(KEYS, IDS[7], cutoff_s=NOW_S))
    assert calls.of("lpos", "lrem") == 1


def test_waiters_that_are_over_are_dropped_bit_by_bit(calls, redis_client):
    store_many(
        redis_client, lambda pipe, ids: pipe.zadd(KEYS.waiters, dict.fromkeys(ids, NOW_S - 9))
    )
    waiter = Waiter(server_id="me", now_s=NOW_S)
    fetch = dequeue.dequeue_many(
        KEYS, count=1, owner="me", lease_expires_at_s=NOW_S + 30, waiter=waiter
    )

    calls.run(fetch)

    assert redis_client.zcard(KEYS.waiters) == MANY - 500


def test_a_set_that_another_program_has_made_long_goes_back_to_its_group_bit_by_bit(
    calls, redis_client
):
    key = KEYS.aggregation_set("g", "set")
    store_many(redis_client, lambda pipe, ids: pipe.zadd(key, dict.fromkeys(ids, 1)))
    redis_client.zadd(KEYS.aggregation_sets, {key: NOW_S})

    page = calls.run(groups.read_aggregation_set(KEYS, "g", "set"))
    finished = calls.run(groups.finish_aggregation(KEYS, "g", "set", None, now_ns=NOW_NS))
    assert (page, finished.is_done, calls.of("hget", "unlink", "del")) == (None, False, 0)

    reclaimed = calls.run(groups.reclaim_aggregation_sets(KEYS, now_s=NOW_S + 1))
    assert (reclaimed.moved, reclaimed.has_more) == (500, True)
    assert redis_client.zcard(KEYS.group("g")) == 500


def test_a_task_with_very_many_fields_is_freed_in_the_background(calls, redis_client):
    store_many(
        redis_client, lambda pipe, ids: pipe.hset(KEYS.task("a"), mapping=dict.fromkeys(ids, 1))
    )
    redis_client.hset(KEYS.task("a"), mapping={"msg": DATA, "owner": "me"})
    redis_client.lpush(KEYS.active, "a")

    assert calls.run(FINISH["done"](["a"])) == [True]

    assert (calls.of("del"), calls.of("unlink")) == (0, 1)


def test_the_figures_of_a_queue_look_at_a_bounded_number_of_groups_and_tasks(calls, redis_client):
    def store(pipe, ids):
        pipe.sadd(KEYS.groups, *ids)
        pipe.zadd(KEYS.aggregation_sets, {KEYS.aggregation_set(each, "s"): 1 for each in ids})
        pipe.rpush(KEYS.pending, *ids)
        pipe.zadd(KEYS.scheduled, dict.fromkeys(ids, 1))

    store_many(redis_client, store)

    stats = calls.run(inspection.queue_stats(KEYS, now_ns=NOW_NS))

    assert (stats.pending, stats.groups) == (MANY, MANY)
    assert calls.of("smembers") == 0
    looked_at = calls.of("zcard", "memory|usage", "memory", "zrange", "lrange")
    assert looked_at < 2200  # however many MANY is


def test_a_task_is_found_in_a_queue_of_any_length_with_few_commands(calls, redis_client):
    def store(pipe, ids):
        pipe.rpush(KEYS.pending, *ids)
        pipe.zadd(KEYS.scheduled, dict.fromkeys(ids, 1))

    store_many(redis_client, store)
    for task_id, state in ((IDS[5], "pending"), (IDS[-5], "pending"), (IDS[9], "scheduled")):
        redis_client.hset(KEYS.task(task_id), mapping={"msg": DATA, "state": state})

    late = calls.run(explanation.read_placed_task(KEYS, IDS[5]))
    next_one = calls.run(explanation.read_placed_task(KEYS, IDS[-5]))
    scheduled = calls.run(explanation.read_placed_task(KEYS, IDS[9]))

    assert (late.place.size, late.place.rank) == (MANY, None)
    assert next_one.place.rank == 4
    assert scheduled.place.rank == 9
    assert calls.of("lrange", "zrange") <= 2
