"""What nobody else would look at is healed, and a key of another type stops nothing else."""

import pytest

from pyasynq.broker.operations import maintain
from pyasynq.broker.operations.maintain import Healed
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from tests.support.builders import NOW_NS, make_data, make_keys
from tests.support.golden_state import dump

KEYS = make_keys()
NOW_S = 2_000_000_000
CUTOFF_S = NOW_S - 30
DATA = make_data()
LOCK = KEYS.unique("email", b"{}")


@pytest.fixture
def run(redis_url):
    runner = Runner(Connector.of(redis_url).open_sync(), clock=SystemClock())
    yield lambda operation: runner.run(operation, patience_s=0)
    runner.close()


def test_active_ids_without_a_lease_are_listed_in_pages_the_oldest_first(run, redis_client):
    redis_client.lpush(KEYS.active, *"abcdefg")
    redis_client.zadd(KEYS.lease, {"b": 1, "f": 1})

    pages = [run(maintain.list_unleased(KEYS, skip=skip, limit=3)) for skip in (0, 3, 6, 9)]

    assert [(page.task_ids, page.has_more) for page in pages] == [
        (["a", "c"], True),
        (["d", "e"], True),
        (["g"], False),
        ([], False),
    ]


def test_only_an_active_id_without_a_lease_gets_one(run, redis_client):
    redis_client.lpush(KEYS.active, "a", "leased")
    redis_client.zadd(KEYS.lease, {"leased": NOW_S})

    given = run(maintain.lease_unleased(KEYS, ["a", "leased", "gone"], expiry_s=CUTOFF_S))

    assert given == 1
    assert dict(redis_client.zrange(KEYS.lease, 0, -1, withscores=True)) == {
        b"a": CUTOFF_S,
        b"leased": NOW_S,
    }


@pytest.mark.parametrize(
    ("fields", "healed"),
    [
        ({"msg": DATA, "state": "active"}, Healed.RESTORED),
        ({"msg": DATA}, Healed.RESTORED),
        ({"msg": DATA, "state": "retry"}, Healed.RELEASED),
        ({"msg": DATA, "state": "pending"}, Healed.RELEASED),
    ],
)
def test_a_lease_that_is_over_without_an_active_task_is_healed(run, redis_client, fields, healed):
    redis_client.hset(KEYS.task("a"), mapping=fields)
    redis_client.zadd(KEYS.lease, {"a": CUTOFF_S})

    assert run(maintain.heal_lease(KEYS, "a", cutoff_s=CUTOFF_S)) is healed

    is_restored = healed is Healed.RESTORED
    assert redis_client.lrange(KEYS.active, 0, -1) == ([b"a"] if is_restored else [])
    assert redis_client.zcard(KEYS.lease) == (1 if is_restored else 0)


@pytest.mark.parametrize("place", ["active", "extended", "gone"])
def test_a_lease_with_which_nothing_is_wrong_stays(run, redis_client, place):
    redis_client.hset(KEYS.task("a"), mapping={"msg": DATA, "state": "active"})
    if place == "active":
        redis_client.lpush(KEYS.active, "a")
    if place != "gone":
        expiry_s = CUTOFF_S + 1 if place == "extended" else CUTOFF_S
        redis_client.zadd(KEYS.lease, {"a": expiry_s})
    before = dump(redis_client)

    assert run(maintain.heal_lease(KEYS, "a", cutoff_s=CUTOFF_S)) is Healed.NOTHING_WRONG
    assert dump(redis_client) == before


@pytest.mark.parametrize("name", ["lease_unleased", "heal_lease"])
def test_healing_works_when_memory_is_full(run, redis_client, name):
    redis_client.lpush(KEYS.active, "a")
    redis_client.hset(KEYS.task("b"), mapping={"msg": DATA, "state": "active"})
    redis_client.zadd(KEYS.lease, {"b": 1})
    redis_client.config_set("maxmemory", 1)

    if name == "lease_unleased":
        answer = run(maintain.lease_unleased(KEYS, ["a"], expiry_s=CUTOFF_S))
    else:
        answer = run(maintain.heal_lease(KEYS, "b", cutoff_s=CUTOFF_S))

    redis_client.config_set("maxmemory", 0)
    assert answer in (1, Healed.RESTORED)


def test_a_dropped_ghost_frees_its_id_and_its_lock(run, redis_client):
    redis_client.set(LOCK, "a")
    redis_client.hset(KEYS.task("a"), mapping={"state": "active", "unique_key": LOCK})
    redis_client.lpush(KEYS.active, "a")
    redis_client.zadd(KEYS.lease, {"a": CUTOFF_S})

    assert run(maintain.drop_ghost(KEYS, "a", cutoff_s=CUTOFF_S))

    assert redis_client.keys("asynq:*") == []


def test_a_ghost_whose_worker_lives_is_left_to_it(run, redis_client):
    redis_client.lpush(KEYS.active, "a")
    redis_client.zadd(KEYS.lease, {"a": CUTOFF_S + 1})
    before = dump(redis_client)

    assert not run(maintain.drop_ghost(KEYS, "a", cutoff_s=CUTOFF_S))
    assert dump(redis_client) == before


def schedule(redis_client, *task_ids, source=KEYS.scheduled, **fields):
    for task_id in task_ids:
        redis_client.hset(KEYS.task(task_id), mapping={"msg": DATA, "state": "x", **fields})
        redis_client.zadd(source, {task_id: NOW_S - 5})


def test_a_task_key_of_another_type_keeps_no_other_task_from_being_forwarded(run, redis_client):
    schedule(redis_client, "a", "c")
    redis_client.set(KEYS.task("b"), "no hash")
    redis_client.zadd(KEYS.scheduled, {"b": NOW_S - 5})

    assert run(maintain.forward(KEYS, now_ns=NOW_NS)).moved == 3

    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"c", b"a"]
    assert redis_client.exists(KEYS.scheduled) == 0


def test_a_group_key_of_another_type_makes_its_tasks_pending(run, redis_client):
    schedule(redis_client, "a", "b", group="wrong")
    schedule(redis_client, "c", group="g")
    redis_client.set(KEYS.group("wrong"), "no set")

    run(maintain.forward(KEYS, now_ns=NOW_NS))

    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"b", b"a"]
    assert redis_client.zrange(KEYS.group("g"), 0, -1) == [b"c"]


@pytest.mark.parametrize(("wrong", "right"), [("scheduled", "retry"), ("retry", "scheduled")])
def test_a_set_of_another_type_is_named_and_the_other_forwarded(run, redis_client, wrong, right):
    redis_client.set(KEYS.prefix + wrong, "no set")
    schedule(redis_client, "a", source=KEYS.prefix + right)

    forwarded = run(maintain.forward(KEYS, now_ns=NOW_NS))

    assert (forwarded.moved, forwarded.unreadable) == (1, (wrong,))
    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"a"]
