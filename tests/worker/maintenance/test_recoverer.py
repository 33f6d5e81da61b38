"""Everything that can be left behind is recovered, by any number of recoverers."""

import asyncio
import logging

import pytest

from pyasynq import retry
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import FakeClock, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.errors import RedisUnavailableError
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.message import decode
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.counters import Count, Counters
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.maintenance.recoverer import Recoverer
from tests.support.builders import LONG_AGO_S, make_active, make_data, make_keys, make_resources
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async

KEYS = make_keys()
OTHER = make_keys("other")
CONFIG = ServerConfig(retry_delay=retry.fixed(3600), queues={KEYS.queue: 1, OTHER.queue: 1})


@pytest.fixture
def recoverer(runner):
    return make_recoverer(runner)


def make_recoverer(runner, *, held=(), **fields) -> Recoverer:
    resources = make_resources(runner, config=CONFIG, held=dict.fromkeys(held), **fields)
    return Recoverer(resources, task_log=resources.task_log())


def message_in(client, task_id: str, keys=KEYS):
    return decode(client.hget(keys.task(task_id), "msg"))


async def test_several_recoverers_at_once_recover_each_task_once(runner, redis_client):
    for number in range(120):
        make_active(redis_client, f"retry {number}")
        make_active(redis_client, f"archive {number}", data=make_data(retry=0))
        make_active(redis_client, f"ghost {number}", data=b"")
        make_active(redis_client, f"garbage {number}", data=b"\xff")
    counters = [Counters() for _ in range(5)]
    recoverers = [make_recoverer(runner, counters=each) for each in counters]

    totals = await asyncio.gather(*(each.recover() for each in recoverers))

    assert sum(totals, totals[0].__class__()) == {
        "retried": 120,
        "archived": 120,
        "dropped": 120,
        "quarantined": 120,
    }
    assert sum(count.value for each in counters for count in each.all()) == 480
    assert redis_client.exists(KEYS.active, KEYS.lease) == 0
    assert (redis_client.zcard(KEYS.retry), redis_client.zcard(KEYS.archived)) == (120, 240)
    assert redis_client.get(KEYS.failed) == b"240"


async def test_an_active_task_without_a_lease_is_recovered_in_the_second_pass(
    recoverer, redis_client
):
    make_active(redis_client, "a")
    redis_client.delete(KEYS.lease)

    first, second = await recoverer.recover(), await recoverer.recover()

    assert (first, second) == ({}, {"leased": 1, "retried": 1})
    assert message_in(redis_client, "a").retried == 1


async def test_an_active_task_that_has_a_lease_again_is_left_alone(recoverer, redis_client):
    make_active(redis_client, "a")
    redis_client.delete(KEYS.lease)
    await recoverer.recover()
    redis_client.zadd(KEYS.lease, {"a": 9_999_999_999})

    assert await recoverer.recover() == {}
    assert redis_client.zscore(KEYS.lease, "a") == 9_999_999_999


async def test_an_active_task_that_lost_its_lease_again_is_new(recoverer, redis_client):
    """Only two passes in a row count: in between, the task had a lease."""
    make_active(redis_client, "a")
    redis_client.delete(KEYS.lease)
    await recoverer.recover()
    redis_client.zadd(KEYS.lease, {"a": 9_999_999_999})
    await recoverer.recover()
    redis_client.delete(KEYS.lease)

    assert await recoverer.recover() == {}


async def test_a_task_this_server_holds_is_never_recovered(runner, redis_client):
    make_active(redis_client, "leased")
    make_active(redis_client, "unleased")
    redis_client.zrem(KEYS.lease, "unleased")
    recoverer = make_recoverer(runner, held=[("mail", "leased"), ("mail", "unleased")])

    passes = [await recoverer.recover() for _ in range(3)]

    assert passes == [{}, {}, {}]


async def test_more_tasks_without_a_lease_than_one_pass_remembers_are_all_recovered(
    recoverer, redis_client
):
    for number in range(1_700):
        make_active(redis_client, str(number), data=b"")
    redis_client.delete(KEYS.lease)

    totals = [await recoverer.recover() for _ in range(4)]

    assert sum(total["dropped"] for total in totals) == 1_700
    assert redis_client.exists(KEYS.active) == 0


async def test_a_lost_active_entry_is_restored_and_its_task_recovered(recoverer, redis_client):
    make_active(redis_client, "a")
    make_active(redis_client, "garbage", data=b"\xff")
    redis_client.delete(KEYS.active)

    totals = await recoverer.recover()

    assert totals == {"restored": 2, "retried": 1, "quarantined": 1}
    assert redis_client.exists(KEYS.active, KEYS.lease) == 0


async def test_a_lease_left_behind_by_a_task_that_is_elsewhere_is_removed(recoverer, redis_client):
    make_active(redis_client, "a", state="pending")
    redis_client.rename(KEYS.active, KEYS.pending)

    assert await recoverer.recover() == {"released": 1}

    assert redis_client.exists(KEYS.lease) == 0
    assert redis_client.lrange(KEYS.pending, 0, -1) == [b"a"]
    assert redis_client.hget(KEYS.task("a"), "state") == b"pending"


async def test_an_id_that_is_active_twice_runs_once_more_and_leaves_nothing(
    recoverer, redis_client
):
    make_active(redis_client, "a")
    redis_client.lpush(KEYS.active, "a")

    totals = [await recoverer.recover() for _ in range(3)]

    assert redis_client.exists(KEYS.active, KEYS.lease) == 0
    assert redis_client.zrange(KEYS.retry, 0, -1) == [b"a"]
    assert sum(total["retried"] for total in totals) >= 1


@pytest.mark.parametrize("key", ["active", "lease", "retry", "archived", "aggregation_sets"])
async def test_a_key_of_another_type_stops_no_other_queue(recoverer, redis_client, key, caplog):
    for keys in (KEYS, OTHER):
        make_active(redis_client, "retried", keys=keys)
        make_active(redis_client, "archived", data=make_data(retry=0), keys=keys)
    redis_client.set(getattr(KEYS, key), "no such type")

    first, _second = await recoverer.recover(), await recoverer.recover()

    assert first["retried"] >= 1
    assert first["archived"] >= 1
    assert redis_client.exists(OTHER.active, OTHER.lease) == 0
    warnings = [
        line
        for line in caplog.records
        if line.levelno >= logging.WARNING and line.name == "pyasynq.recoverer"
    ]
    assert 1 <= len(warnings) <= 2  # active and lease are needed by two of the steps
    assert all("queue mail" in line.getMessage() for line in warnings)


async def test_a_retry_set_of_another_type_stops_no_task_that_is_archived_or_dropped(
    recoverer, redis_client
):
    make_active(redis_client, "retried")
    make_active(redis_client, "archived", data=make_data(retry=0))
    make_active(redis_client, "ghost", data=b"")
    redis_client.set(KEYS.retry, "no set")

    assert await recoverer.recover() == {"archived": 1, "dropped": 1}

    redis_client.delete(KEYS.retry)
    assert await recoverer.recover() == {"retried": 1}


async def test_a_task_key_of_another_type_is_not_a_task_and_stays_as_it_is(recoverer, redis_client):
    make_active(redis_client, "wrong", "a")
    redis_client.set(KEYS.task("wrong"), "no hash")

    assert await recoverer.recover() == {"retried": 1, "dropped": 1}

    assert redis_client.get(KEYS.task("wrong")) == b"no hash"


@pytest.mark.parametrize("task_id", ["", "{}", "a}{b", "new\nline", "x" * 10_000, b"\xff\xfe", "✗"])
async def test_any_id_is_recovered(recoverer, redis_client, task_id):
    redis_client.lpush(KEYS.active, task_id)
    redis_client.zadd(KEYS.lease, {task_id: LONG_AGO_S})
    raw = task_id.encode() if isinstance(task_id, str) else task_id
    redis_client.hset(KEYS.task_prefix.encode() + raw, "msg", make_data())

    assert await recoverer.recover() == {"retried": 1}
    assert redis_client.zrange(KEYS.retry, 0, -1) == [raw]


@pytest.mark.parametrize(
    "data", [make_data(id="", queue=""), make_data(id="b", queue="other"), b"\xfa\x01\x01x"]
)
async def test_a_message_with_other_names_is_recovered_where_it_is_and_gets_the_right_ones(
    recoverer, redis_client, data
):
    make_active(redis_client, "a", data=data)

    totals = await recoverer.recover()

    assert sum(totals.values()) == 1
    assert (message_in(redis_client, "a").id, message_in(redis_client, "a").queue) == ("a", "mail")
    assert not [key for key in redis_client.keys("*") if b"{}" in key or b"{other}" in key]


async def test_a_pass_that_did_something_is_one_line_with_counts(runner, redis_client, caplog):
    caplog.set_level("INFO")
    counters = Counters()
    recoverer = make_recoverer(runner, counters=counters)
    make_active(redis_client, "ghost", data=b"")
    for number in range(30):
        make_active(redis_client, str(number))
        make_active(redis_client, str(number), keys=OTHER)

    await recoverer.recover()
    await recoverer.recover()

    (line,) = [each for each in caplog.records if each.name == "pyasynq.recoverer"]
    assert line.getMessage() == (
        "recovered tasks: 1 dropped, 60 retried; 'ghost' of queue mail had no message"
    )
    assert line.counts == {"dropped": 1, "retried": 60}
    assert counters.all() == [
        Count("recovered", "mail", "dropped", 1),
        Count("recovered", "mail", "retried", 30),
        Count("recovered", "other", "retried", 30),
    ]


async def test_a_line_of_the_log_is_bounded_however_many_and_long_the_ids_are(
    recoverer, redis_client, caplog
):
    caplog.set_level("INFO")
    for number in range(30):
        make_active(redis_client, str(number) * 1_000, data=b"")

    await recoverer.recover()

    (line,) = [each for each in caplog.records if each.name == "pyasynq.recoverer"]
    assert 1_000 < len(line.getMessage()) < 2_500


async def test_what_a_server_recovered_is_in_its_counters(work):
    for task_id in ("a", "b"):
        make_active(work.redis, task_id, data=b"", keys=queue_keys("default"))

    async with work.serving(ServeMux()) as server:
        await eventually_async(server.counters.all)

    assert server.counters.all() == [Count("recovered", "default", "dropped", 2)]


async def test_nothing_is_recovered_for_the_length_of_a_lease_after_an_outage(
    redis_client, redis_server
):
    """Live workers could not extend their leases meanwhile, and get time to do so."""
    clock = FakeClock()
    make_active(redis_client, "a")
    with ChaosProxy(redis_server.port) as proxy:
        runner = AsyncRunner(Connector.of(proxy.url).open_async(), clock=SystemClock())
        recoverer = make_recoverer(runner, clock=clock)
        proxy.refuse()
        with pytest.raises(RedisUnavailableError):
            await recoverer.recover()
        proxy.accept()

        at_once = await recoverer.recover()
        clock.advance(20)
        early = await recoverer.recover()
        clock.advance(20)
        late = await recoverer.recover()
        await runner.close()

    assert (at_once, early, late) == ({}, {}, {"retried": 1})


async def test_recoverer_retries_the_task_of_a_worker_that_is_gone(work):
    attempts = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        attempts.append(ctx.attempt)

    info = await work.enqueue("email", max_retry=1)
    gone = await work.enqueue("email", max_retry=0)
    work.abandon(info, gone)
    async with work.serving(mux, retry_delay=retry.fixed(0.05)):
        await work.until(info, None)
        await work.until(gone, "archived")

    assert attempts == [2]
    assert work.message(gone).error_msg == "asynq: task lease expired"


async def test_a_retry_policy_that_fails_does_not_keep_the_recoverer_from_its_work(work):
    mux = ServeMux()

    def broken(retried, error, task):
        raise RuntimeError("no idea")

    info = await work.enqueue("email")
    work.abandon(info)
    async with work.serving(mux, retry_delay=broken):
        await work.until(info, "retry")

    assert work.message(info).retried == 1


async def test_recoverer_drops_ghosts_and_archives_what_cannot_be_read(work):
    default = queue_keys("default")
    make_active(work.redis, "ghost", "wrong", keys=default)
    make_active(work.redis, "garbage", keys=default, data=b"\xff\xff")
    work.redis.delete(default.task("ghost"))
    work.redis.set(default.task("wrong"), "no hash")

    async with work.serving(ServeMux()):
        await eventually_async(lambda: work.redis.llen("asynq:{default}:active") == 0)

    assert work.redis.zrange("asynq:{default}:archived", 0, -1) == [b"garbage"]
    assert work.redis.hget("asynq:{default}:t:garbage", "msg") == b"\xff\xff"
    assert work.redis.zcard("asynq:{default}:lease") == 0


async def test_more_ids_without_a_lease_than_a_pass_remembers_are_recovered_in_several(
    recoverer, redis_client
):
    ids = [f"{number:04}" for number in range(1200)]
    redis_client.lpush(KEYS.active, *ids)

    totals = [await recoverer.recover() for _ in range(4)]

    assert [each["leased"] for each in totals] == [0, 1000, 0, 200]
    assert redis_client.exists(KEYS.active) == 0
