"""What no other operation looks at is healed, and a key of another type stops nothing else."""

import pytest

from pyasynq.broker.operations import maintain
from pyasynq.broker.operations.maintain import Healed
from tests.support.builders import NOW_NS, make_data, make_keys
from tests.support.golden_state import dump

KEYS = make_keys()
NOW_S = 2_000_000_000
CUTOFF_S = NOW_S - 30
DATA = make_data()
LOCK = KEYS.unique("email", b"{}")


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


def test_an_id_gets_a_lease_only_on_the_page_where_it_was_seen(run, redis_client):
    redis_client.rpush(KEYS.active, *"fedcba")  # "a" is the oldest

    given = run(maintain.lease_unleased(KEYS, [*"abcdef"], expiry_s=CUTOFF_S, skip=2, limit=3))

    assert given == 3
    assert redis_client.zrange(KEYS.lease, 0, -1) == [b"c", b"d", b"e"]


def test_a_script_that_leases_does_not_search_the_list_for_each_id(run, redis_client):
    redis_client.rpush(KEYS.active, *map(str, range(2000)))
    redis_client.config_resetstat()

    run(maintain.lease_unleased(KEYS, [*map(str, range(500))], expiry_s=CUTOFF_S))

    assert not {"cmdstat_lpos", "cmdstat_linsert"} & set(redis_client.info("commandstats"))


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


@pytest.mark.parametrize("kind", ["active", "extended", "gone"])
def test_a_lease_with_which_nothing_is_wrong_stays(run, redis_client, kind):
    redis_client.hset(KEYS.task("a"), mapping={"msg": DATA, "state": "active"})
    if kind == "active":
        redis_client.lpush(KEYS.active, "a")
    if kind != "gone":
        expiry_s = CUTOFF_S + 1 if kind == "extended" else CUTOFF_S
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


def test_a_group_that_go_does_not_see_is_joined_when_its_task_is_due(run, redis_client):
    schedule(redis_client, "a", group_when_due="g")

    run(maintain.forward(KEYS, now_ns=NOW_NS))

    assert redis_client.zrange(KEYS.group("g"), 0, -1) == [b"a"]
    assert redis_client.smembers(KEYS.groups) == {b"g"}
    assert redis_client.hgetall(KEYS.task("a")) == {
        b"msg": DATA,
        b"state": b"aggregating",
        b"group": b"g",
    }


def test_a_retry_of_a_task_that_ran_alone_does_not_join_its_group(run, redis_client):
    schedule(redis_client, "a", source=KEYS.retry, group_when_due="g")

    run(maintain.forward(KEYS, now_ns=NOW_NS))

    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"a"]
    assert redis_client.exists(KEYS.group("g")) == 0


GARBAGE = [
    "",
    "soon",
    f"{NOW_S}",
    f"{NOW_S}x",
    f"{NOW_S}letters!!",
    f"{NOW_S}0x1234567",
    f"{NOW_S}      nan",
    f"{NOW_S}      inf",
    f"-{NOW_S}000000000",
    f"{NOW_S}.5",
    "9" * 400,
    "\xff\x00",
]


@pytest.mark.parametrize("due", GARBAGE)
def test_a_due_time_that_is_no_number_keeps_no_task_from_being_forwarded(run, redis_client, due):
    for task_id, process_at_ns in (("a", due), ("b", f"{NOW_S}000000000")):
        redis_client.hset(KEYS.task(task_id), mapping={"msg": DATA, "process_at_ns": process_at_ns})
        redis_client.zadd(KEYS.scheduled, {task_id: NOW_S})

    forwarded = run(maintain.forward(KEYS, now_ns=NOW_NS))

    assert (forwarded.moved, forwarded.next_due_ns) == (2, None)


@pytest.mark.parametrize(("wrong", "right"), [("scheduled", "retry"), ("retry", "scheduled")])
def test_a_set_of_another_type_is_named_and_the_other_forwarded(run, redis_client, wrong, right):
    redis_client.set(KEYS.prefix + wrong, "no set")
    schedule(redis_client, "a", source=KEYS.prefix + right)

    forwarded = run(maintain.forward(KEYS, now_ns=NOW_NS))

    assert (forwarded.moved, forwarded.unreadable) == (1, (wrong,))
    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"a"]


def test_leases_are_extended_for_their_owner_and_never_shortened(run, active, redis_client):
    active("a")
    active("later", lease_s=NOW_S + 999)
    active("stolen", owner="somebody else")

    tasks = [("a", "me"), ("later", "me"), ("stolen", "me"), ("gone", "me")]
    lost = run(maintain.extend_lease(KEYS, tasks, until_s=NOW_S + 60))

    assert lost == ["stolen", "gone"]
    assert dict(redis_client.zrange(KEYS.lease, 0, -1, withscores=True)) == {
        b"a": NOW_S + 60,
        b"later": NOW_S + 999,
        b"stolen": NOW_S + 30,
    }


def test_a_task_is_forwarded_at_its_nanosecond_and_not_before(run, redis_client):
    due_ns = NOW_S * 1_000_000_000 + 500_000_123
    redis_client.hset(KEYS.task("a"), mapping={"msg": DATA, "process_at_ns": due_ns})
    redis_client.zadd(KEYS.scheduled, {"a": NOW_S})

    early = run(maintain.forward(KEYS, now_ns=due_ns - 1))
    on_time = run(maintain.forward(KEYS, now_ns=due_ns))

    assert (early.moved, early.next_due_ns) == (0, due_ns)
    assert (on_time.moved, on_time.next_due_ns) == (1, None)
    assert redis_client.hget(KEYS.task("a"), "process_at_ns") is None


def test_a_score_that_go_rewrote_wins_over_the_exact_time(run, redis_client):
    fields = {"msg": DATA, "process_at_ns": (NOW_S + 500) * 1_000_000_000}
    redis_client.hset(KEYS.task("a"), mapping=fields)
    redis_client.zadd(KEYS.retry, {"a": NOW_S})

    assert run(maintain.forward(KEYS, now_ns=NOW_NS)).moved == 1


def test_forwarding_returns_the_next_due_time_of_both_sets(run, redis_client):
    redis_client.zadd(KEYS.scheduled, {"a": NOW_S + 70})
    redis_client.zadd(KEYS.retry, {"b": NOW_S + 9})

    forwarded = run(maintain.forward(KEYS, now_ns=NOW_NS))

    assert forwarded.next_due_ns == (NOW_S + 9) * 1_000_000_000


def test_a_trimmed_task_goes_with_its_hash_and_lock_in_bounded_steps(run, redis_client):
    for number in range(7):
        lock = f"asynq:{{mail}}:unique:{number}"
        redis_client.set(lock, str(number))
        redis_client.hset(KEYS.task(str(number)), mapping={"msg": DATA, "unique_key": lock})
        redis_client.zadd(KEYS.archived, {str(number): NOW_S})

    trim = maintain.trim_archive(KEYS, now_s=NOW_S, max_size=2, max_age_s=60, limit=3)

    assert [run(trim), run(trim), run(trim)] == [3, 2, 0]
    assert len(redis_client.keys("asynq:{mail}:t:*")) == 2
    assert len(redis_client.keys("asynq:{mail}:unique:*")) == 2
