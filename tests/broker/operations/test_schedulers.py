"""What a scheduler does in Redis: each tick makes one task, whoever asks for it and how often."""

import pytest

from pyasynq.broker.operations import enqueue, schedulers
from pyasynq.broker.operations.schedulers import Tick, TickAnswer
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.errors import DuplicateTaskError, TaskIdConflictError
from pyasynq.wire.records import SchedulerEntryRecord
from tests.support.builders import NOW_NS, make_keys, make_prepared
from tests.support.golden_state import dump

KEYS = make_keys()
NOW_S = NOW_NS // NANOSECONDS
DAY_S = 86_400


@pytest.fixture
def run(redis_url):
    runner = Runner(Connector.of(redis_url).open_sync(), clock=SystemClock())
    yield runner.run
    runner.close()


def tick_of(item, tick_s=NOW_S, overlap="allow"):
    return schedulers.enqueue_tick(
        item, "e", tick_s=tick_s, ttl_s=DAY_S, now_ns=NOW_NS, overlap=overlap
    )


def test_a_tick_is_stored_once(run, redis_client):
    answers = [run(tick_of(make_prepared(each))) for each in ("a", "b")]

    assert answers == [TickAnswer(Tick.STORED), TickAnswer(Tick.PAST, last_s=NOW_S)]
    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"a"]
    assert redis_client.hgetall(KEYS.tick("e")) == {b"at": b"%d" % NOW_S, b"task": b"a"}
    assert 0 < redis_client.ttl(KEYS.tick("e")) <= DAY_S


def test_a_tick_before_the_last_one_is_past(run, redis_client):
    run(tick_of(make_prepared("a"), NOW_S))
    before = dump(redis_client)

    answer = run(tick_of(make_prepared("b"), NOW_S - 60))

    assert answer == TickAnswer(Tick.PAST, last_s=NOW_S)
    assert dump(redis_client) == before


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ({}, "pending"),
        ({"process_in": 60}, "scheduled"),
        ({"group": "g"}, "aggregating"),
        ({"group": "g", "process_in": 60}, "scheduled"),
        ({"unique": 60, "expires": 60, "unique_until": "started"}, "pending"),
    ],
)
def test_a_tick_stores_what_an_enqueue_stores(run, redis_client, options, state):

    item = make_prepared("a", **options)
    run(enqueue.store([item], now_ns=NOW_NS))
    wanted = dump(redis_client)
    redis_client.flushall()

    answer = run(tick_of(item))

    found = dump(redis_client)
    assert found.pop(KEYS.tick("e").encode())[0] == "hash"
    assert (answer.tick, found) == (Tick.STORED, wanted)
    assert redis_client.hget(KEYS.task("a"), "state") == state.encode()


@pytest.mark.parametrize("state", ["pending", "active", "scheduled", "retry", "aggregating"])
def test_a_tick_may_pass_while_the_task_of_an_earlier_one_is_unfinished(run, redis_client, state):
    run(tick_of(make_prepared("a"), NOW_S))
    redis_client.hset(KEYS.task("a"), "state", state)

    answer = run(tick_of(make_prepared("b"), NOW_S + 60, "skip"))

    assert answer == TickAnswer(Tick.UNFINISHED, earlier_id="a")
    assert not redis_client.exists(KEYS.task("b"))
    assert run(tick_of(make_prepared("c"), NOW_S + 60)).tick is Tick.PAST


@pytest.mark.parametrize("state", ["archived", "completed", None])
@pytest.mark.parametrize("overlap", ["skip", "replace"])
def test_a_task_that_is_done_or_archived_never_keeps_the_next_tick_back(
    run, redis_client, state, overlap
):
    run(tick_of(make_prepared("a"), NOW_S))
    if state is None:
        redis_client.delete(KEYS.task("a"))
    else:
        redis_client.hset(KEYS.task("a"), "state", state)

    answer = run(tick_of(make_prepared("b"), NOW_S + 60, overlap))

    assert answer == TickAnswer(Tick.STORED)
    assert redis_client.exists(KEYS.task("a")) == (state is not None)


def test_a_task_that_waits_may_be_replaced(run, redis_client):
    run(tick_of(make_prepared("a", unique=60), NOW_S))

    answer = run(tick_of(make_prepared("b", unique=60), NOW_S + 60, "replace"))

    assert answer == TickAnswer(Tick.STORED)
    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"b"]
    assert not redis_client.exists(KEYS.task("a"))


def test_a_task_that_runs_is_not_replaced(run, redis_client):
    run(tick_of(make_prepared("a"), NOW_S))
    redis_client.hset(KEYS.task("a"), "state", "active")

    answer = run(tick_of(make_prepared("b"), NOW_S + 60, "replace"))

    assert answer == TickAnswer(Tick.STORED)
    assert redis_client.hget(KEYS.task("a"), "state") == b"active"


def test_a_paused_entry_lets_its_ticks_pass_and_does_not_catch_up(run, redis_client):
    for operation in schedulers.pause_entry(KEYS, "e", {"by": "ann"}):
        run(operation)

    answers = [run(tick_of(make_prepared("a"), NOW_S))]
    record = run(schedulers.read_tick(KEYS, "e", now_s=NOW_S, ttl_s=DAY_S))
    assert redis_client.ttl(KEYS.tick("e")) == -1
    assert run(schedulers.resume_entry(KEYS, "e"))
    answers += [run(tick_of(make_prepared(str(at)), NOW_S + at)) for at in (0, 60)]

    assert [each.tick for each in answers] == [Tick.PAUSED, Tick.PAST, Tick.STORED]
    assert (record.at_s, record.paused) == (NOW_S, b'{"by": "ann"}')
    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"60"]


def test_a_refused_task_uses_up_its_tick(run, redis_client):
    run(tick_of(make_prepared("a", unique=60), NOW_S))

    locked = run(tick_of(make_prepared("b", unique=60), NOW_S + 60))
    taken = run(tick_of(make_prepared("a"), NOW_S + 120))

    assert isinstance(locked.refusal, DuplicateTaskError)
    assert isinstance(taken.refusal, TaskIdConflictError)
    assert run(tick_of(make_prepared("c"), NOW_S + 120)).tick is Tick.PAST
    assert redis_client.hget(KEYS.tick("e"), "task") == b"a"


@pytest.mark.parametrize("key", ["pending", "scheduled", "groups"])
def test_a_key_of_another_type_changes_nothing(run, redis_client, key):
    redis_client.set(getattr(KEYS, key), "x")
    before = dump(redis_client)

    with pytest.raises(Exception, match="WRONGTYPE"):
        run(tick_of(make_prepared("a")))

    assert dump(redis_client) == before


def test_an_entry_that_is_new_is_noted_and_one_that_is_known_is_left_alone(run):
    records = [
        run(schedulers.read_tick(KEYS, "e", now_s=now_s, ttl_s=DAY_S))
        for now_s in (NOW_S, NOW_S + 9)
    ]

    assert [(each.at_s, each.task_id, each.paused) for each in records] == [(NOW_S, "", b"")] * 2


def test_one_scheduler_leads_until_it_resigns(run, redis_client):
    def lead(member):
        return run(schedulers.lead("shop", namespace="asynq", member=member, ttl_ms=4000))

    leaders = [lead("a"), lead("b"), lead("a")]
    run(schedulers.resign("shop", namespace="asynq", member="b"))
    leaders.append(lead("b"))
    run(schedulers.resign("shop", namespace="asynq", member="a"))
    leaders.append(lead("b"))

    assert leaders == ["a", "a", "a", "a", "b"]
    assert 0 < redis_client.pttl("asynq:leader:shop") <= 4000


def test_many_entries_are_written_in_bounded_calls(run, redis_client):

    records = [SchedulerEntryRecord(id=str(i)) for i in range(1201)]
    operations = list(
        schedulers.write_entries("s", records, namespace="asynq", now_s=NOW_S, ttl_s=20)
    )

    for _ in range(2):
        for operation in operations:
            run(operation)

    assert [len(each.args) for each in operations[1:]] == [502, 502, 203]
    assert redis_client.llen("asynq:schedulers:{s}") == 1201
