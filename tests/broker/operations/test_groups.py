"""Operations on groups beyond the recorded cases of Go Asynq."""

import pytest

from pyasynq.broker.operations import groups
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import ConfigError, DuplicateTaskError, TaskIdConflictError
from tests.support.builders import NOW_NS, make_data, make_keys, make_prepared
from tests.support.golden_state import dump

KEYS = make_keys()
NOW_S = NOW_NS // NANOSECONDS
SET = KEYS.aggregation_set("g", "set")


def add_members(client, *ids, key=SET, **fields):
    for member in ids:
        mapping = {"msg": make_data(id=member), "state": "aggregating", **fields}
        client.hset(KEYS.task(member), mapping=mapping)
        client.zadd(key, {member: NOW_S})
    if key == SET:
        client.zadd(KEYS.aggregation_sets, {SET: NOW_S + 120})


def finish(aggregate, **more):
    return groups.finish_aggregation(KEYS, "g", "set", aggregate, now_ns=NOW_NS, **more)


@pytest.mark.parametrize(
    ("options", "key"),
    [({}, KEYS.pending), ({"process_in": 9}, KEYS.scheduled), ({"group": "h"}, KEYS.group("h"))],
)
def test_the_aggregate_goes_where_its_options_say(runner, redis_client, options, key):
    add_members(redis_client, "a", "b")
    aggregate = make_prepared("new", **options)

    assert runner.run(finish(aggregate)).is_done

    fields = redis_client.hgetall(KEYS.task("new"))
    assert fields[b"state"] == aggregate.state.value.encode()
    assert redis_client.type(key) == (b"list" if key == KEYS.pending else b"zset")
    assert set(redis_client.smembers(KEYS.groups)) == ({b"h"} if "group" in options else set())
    assert not redis_client.exists(SET, KEYS.aggregation_sets, KEYS.task("a"), KEYS.task("b"))


@pytest.mark.parametrize(
    ("prepare_redis", "error"),
    [
        (lambda c, new: c.set(new.message.unique_key, "other"), DuplicateTaskError),
        (lambda c, new: c.hset(KEYS.task("new"), "state", "active"), TaskIdConflictError),
    ],
)
def test_a_refused_aggregate_changes_nothing(runner, redis_client, prepare_redis, error):
    add_members(redis_client, "a")
    aggregate = make_prepared("new", unique=60)
    prepare_redis(redis_client, aggregate)
    before = dump(redis_client)

    answer = runner.run(finish(aggregate))

    assert (answer.is_done, type(answer.refusal)) == (False, error)
    assert dump(redis_client) == before


def test_a_set_that_is_not_listed_any_more_is_not_finished(runner, redis_client):
    add_members(redis_client, "a")
    redis_client.delete(KEYS.aggregation_sets)
    before = dump(redis_client)

    assert not runner.run(finish(make_prepared("new"))).is_done
    assert dump(redis_client) == before


def test_locks_of_members_are_freed_if_they_hold_them(runner, redis_client):
    add_members(redis_client, "a", "b")
    redis_client.mset({"asynq:{mail}:unique:a": "a", "asynq:{mail}:unique:b": "another"})

    locks = [("a", "asynq:{mail}:unique:a"), ("b", "asynq:{mail}:unique:b")]
    runner.run(finish(None, locks=locks))

    assert redis_client.keys("asynq:{mail}:unique:*") == [b"asynq:{mail}:unique:b"]


def test_a_large_set_is_read_in_pages(runner, redis_client):
    names = [f"{number:03d}" for number in range(250)]
    add_members(redis_client, *names)

    found, skip = [], 0
    while skip < 250:
        page = runner.run(groups.read_aggregation_set(KEYS, "g", "set", skip=skip, limit=100))
        found += [member.task_id for member in page.members]
        skip += len(page.members)
        assert page.has_more == (skip < 250)

    assert found == names


def test_a_page_is_cut_at_a_mebibyte_but_has_at_least_one_message(runner, redis_client):
    add_members(redis_client, "a", "b", "c", msg=b"x" * (700 << 10))

    first = runner.run(groups.read_aggregation_set(KEYS, "g", "set"))
    rest = runner.run(groups.read_aggregation_set(KEYS, "g", "set", skip=2))

    assert ([m.task_id for m in first.members], first.has_more) == (["a", "b"], True)
    assert ([m.task_id for m in rest.members], rest.has_more) == (["c"], False)


def test_no_set_is_larger_than_a_script_may_handle(runner, redis_client):
    add_members(redis_client, *map(str, range(1200)), key=KEYS.group("g"))
    redis_client.sadd(KEYS.groups, "g")

    def check(set_id):
        return groups.check_aggregation(
            *(KEYS, "g"), set_id=set_id, now_s=NOW_S + 60, deadline_s=NOW_S + 180, grace_s=60
        )

    assert [runner.run(check(set_id)) for set_id in "abcd"] == [True, True, True, False]
    assert [redis_client.zcard(KEYS.aggregation_set("g", each)) for each in "abc"] == [
        500,
        500,
        200,
    ]
    assert redis_client.exists(KEYS.groups) == 0


def test_a_large_set_of_go_is_reclaimed_in_steps(runner, redis_client):
    add_members(redis_client, *map(str, range(1200)))

    def reclaim():
        reclaimed = runner.run(groups.reclaim_aggregation_sets(KEYS, now_s=NOW_S + 120))
        return reclaimed.moved, reclaimed.has_more

    assert [reclaim() for _ in range(4)] == [(500, True), (500, True), (200, False), (0, False)]
    assert redis_client.zcard(KEYS.group("g")) == 1200
    assert redis_client.smembers(KEYS.groups) == {b"g"}


def test_a_foreign_entry_of_the_index_is_dropped(runner, redis_client):
    redis_client.zadd(KEYS.aggregation_sets, {"garbage": 1, f"{KEYS.group_prefix}nocolon": 1})

    runner.run(groups.reclaim_aggregation_sets(KEYS, now_s=NOW_S))

    assert redis_client.exists(KEYS.aggregation_sets) == 0


def test_a_set_or_a_group_of_another_type_keeps_no_other_set_from_its_group(runner, redis_client):
    add_members(redis_client, "a")
    wrong = KEYS.aggregation_set("wrong group", "set")
    add_members(redis_client, "b", key=wrong)
    no_set = KEYS.aggregation_set("no", "set")
    redis_client.mset({KEYS.group("wrong group"): "no set", no_set: "no set"})
    redis_client.zadd(KEYS.aggregation_sets, {wrong: 1, no_set: 2})

    first = runner.run(groups.reclaim_aggregation_sets(KEYS, now_s=NOW_S + 120))
    again = runner.run(groups.reclaim_aggregation_sets(KEYS, now_s=NOW_S + 121))

    assert (first.moved, first.put_off, again.moved, again.put_off) == (1, 1, 0, 0)
    assert redis_client.zrange(KEYS.group("g"), 0, -1) == [b"a"]
    assert redis_client.zrange(KEYS.aggregation_sets, 0, -1) == [wrong.encode()]


def test_forgotten_groups_are_listed_again_and_noted_ones_forgotten_in_time(runner, redis_client):
    notes = {"full": NOW_S, "empty": NOW_S, "old": NOW_S - 9999, "later": NOW_S + 9}
    redis_client.zadd(KEYS.scheduled_groups, notes)
    add_members(redis_client, "a", key=KEYS.group("full"))

    skip, restored = 0, 0
    while skip >= 0:
        count, skip = runner.run(groups.restore_groups(KEYS, now_s=NOW_S, skip=skip, limit=1))
        restored += count

    assert restored == 1
    assert redis_client.smembers(KEYS.groups) == {b"full"}
    left = redis_client.zrange(KEYS.scheduled_groups, 0, -1)
    assert sorted(left) == [b"empty", b"full", b"later"]


@pytest.mark.parametrize("limit", ["grace_s", "max_delay_s", "max_size"])
def test_negative_limits_are_refused(limit):
    limits = {"grace_s": 60, limit: -1}

    with pytest.raises(ConfigError):
        groups.check_aggregation(
            *(KEYS, "g"), set_id="a", now_s=NOW_S, deadline_s=NOW_S + 120, **limits
        )
