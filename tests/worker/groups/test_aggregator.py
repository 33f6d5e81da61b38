"""Groups: when they are aggregated, and what becomes of their members."""

import asyncio
import threading

import pytest

from pyasynq.errors import ConfigError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.wire.message import decode
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async


def joined(group: str, tasks: list[Task]) -> Task:
    return Task("digest", b"|".join([group.encode(), *(task.payload or b"" for task in tasks)]))


async def fill(work, group: str, payloads: bytes, **options) -> list:
    """Add a task for each byte; members of one second go by their IDs."""
    return [
        await work.enqueue("item", bytes([each]), group=group, task_id=chr(each) + group, **options)
        for each in payloads
    ]


def collecting(mux: ServeMux) -> list[bytes]:
    seen = []

    @mux.handler("digest")
    async def handle(ctx, task):
        seen.append(task.payload)

    return seen


async def test_a_full_group_becomes_one_task_and_its_members_are_deleted(work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("digest:*", max_size=3, grace_period=60)(joined)

    async with work.serving(mux, group_grace_period=1):
        await fill(work, "digest:1", b"abcd")
        await eventually_async(lambda: seen)

    assert seen == [b"digest:1|a|b|c"]
    assert [each.decode() for each in work.redis.keys("asynq:{default}:g:*")] == [
        "asynq:{default}:g:digest:1"
    ]
    assert work.redis.zcard("asynq:{default}:g:digest:1") == 1
    assert work.redis.exists("asynq:{default}:aggregation_sets") == 0
    assert len(work.redis.keys("asynq:{default}:t:*")) == 1


async def test_producers_see_that_a_server_aggregates_until_it_stops_or_is_gone(work):
    mux = ServeMux()
    collecting(mux)
    mux.aggregator("*")(joined)
    key = "asynq:{default}:x:aggregators"
    work.redis.zadd(key, {"another server, gone": 1})

    async with work.serving(mux) as server:
        while_it_runs = work.redis.zrange(key, 0, -1)
        expires_s = work.redis.ttl(key)

    assert while_it_runs == [server.id.encode()]
    assert 0 < expires_s <= 60
    assert work.redis.exists(key) == 0


async def test_an_aggregate_that_is_scheduled_for_another_group_joins_it(work):
    mux = ServeMux()
    seen = collecting(mux)
    later = EnqueueOptions(group="second", process_in=1)
    mux.aggregator("first", max_size=1)(
        lambda _group, tasks: Task("item", tasks[0].payload, options=later)
    )
    mux.aggregator("second", max_size=1)(joined)

    async with work.serving(mux, group_grace_period=1):
        await fill(work, "first", b"a")
        await eventually_async(lambda: work.redis.zcard("asynq:{default}:scheduled") == 1)
        noted = work.redis.zscore("asynq:{default}:x:scheduled_groups", "second")
        (due,) = work.redis.zrange("asynq:{default}:scheduled", 0, -1, withscores=True)
        await eventually_async(lambda: seen)

    assert noted == due[1]  # so that it is listed again if Go forwards the task
    assert seen == [b"second|a"]


async def test_a_group_without_a_new_member_for_the_grace_period_is_due(work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("*", grace_period=1)(joined)

    async with work.serving(mux):
        await fill(work, "g", b"ab")
        await eventually_async(lambda: seen)

    assert seen == [b"g|a|b"]
    assert work.redis.keys("asynq:{default}:t:*") == []
    assert work.redis.exists("asynq:{default}:groups") == 0


async def test_the_limits_of_a_function_win_over_those_of_the_server(work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("own:*", max_size=4)(joined)
    mux.aggregator("*")(joined)

    async with work.serving(mux, group_max_size=2, group_grace_period=60):
        await fill(work, "own:1", b"abc")
        await fill(work, "other", b"de")
        await eventually_async(lambda: seen)
        assert seen == [b"other|d|e"]
        await fill(work, "own:1", b"f")
        await eventually_async(lambda: len(seen) == 2)

    assert seen[1] == b"own:1|a|b|c|f"


async def test_a_group_whose_oldest_member_waits_too_long_is_due(work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("*", grace_period=2, max_delay=1)(joined)
    stop = asyncio.Event()

    async def keep_adding():
        while not stop.is_set():
            await work.enqueue("item", b"x", group="g")
            await asyncio.sleep(0.05)

    async with work.serving(mux, group_grace_period=1):
        adding = asyncio.create_task(keep_adding())
        await eventually_async(lambda: seen)
        stop.set()
        await adding

    assert seen[0].startswith(b"g|x")


async def test_functions_are_found_by_the_longest_pattern_and_other_groups_are_left_alone(work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("a*", max_size=1)(lambda group, tasks: Task("digest", b"short"))
    mux.aggregator("ab*", max_size=1)(lambda group, tasks: Task("digest", b"long"))
    mux.aggregator("abc", max_size=1)(lambda group, tasks: Task("digest", b"exact"))

    async with work.serving(mux, group_grace_period=1):
        for group in ("ax", "abx", "abc", "other"):
            await fill(work, group, b"1")
        await eventually_async(lambda: len(seen) == 3)

    assert sorted(seen) == [b"exact", b"long", b"short"]
    assert work.redis.smembers("asynq:{default}:groups") == {b"other"}


async def test_the_function_of_the_server_takes_what_the_mux_does_not(work):
    mux = ServeMux()
    seen = collecting(mux)

    @mux.aggregator("own", max_size=1)
    async def own(group: str, tasks: list[Task]) -> Task | None:
        return Task("digest", b"own")

    settings = {"group_aggregator": joined, "group_max_size": 1, "group_grace_period": 1}
    async with work.serving(mux, **settings):
        await fill(work, "own", b"1")
        await fill(work, "rest", b"2")
        await eventually_async(lambda: len(seen) == 2)

    assert sorted(seen) == [b"own", b"rest|2"]


async def test_an_aggregator_that_returns_none_drops_the_members_and_frees_their_locks(work):
    mux = ServeMux()
    called = []
    mux.aggregator("*", max_size=2, grace_period=1)(lambda group, tasks: called.append(group))

    async with work.serving(mux):
        infos = await fill(work, "g", b"ab", unique=600)
        assert len(work.redis.keys("asynq:{default}:unique:*")) == 2
        await work.until(infos[0], None)

    assert called == ["g"]
    assert work.redis.exists("asynq:{default}:groups", "asynq:{default}:pending") == 0
    assert work.redis.keys("asynq:{default}:[tgu]*:*") == []


async def test_the_aggregate_has_its_own_options_in_the_queue_of_its_group(work):
    mux = ServeMux()

    @mux.aggregator("*", max_size=1, grace_period=1)
    def later(group: str, tasks: list[Task]) -> Task:
        options = EnqueueOptions(
            queue="ignored", process_in=600, max_retry=7, task_id="one", unique=60
        )
        return Task("digest", b"{}", headers={"k": "v"}, options=options)

    async with work.serving(mux):
        await fill(work, "g", b"a")
        await eventually_async(lambda: work.redis.zcard("asynq:{default}:scheduled") == 1)

    message = decode(work.redis.hget("asynq:{default}:t:one", "msg"))
    assert (message.queue, message.retry, message.headers) == ("default", 7, {"k": "v"})
    assert work.redis.get(message.unique_key) == b"one"


async def test_a_function_that_fails_loses_nothing(work, caplog):
    mux = ServeMux()
    failed = threading.Event()

    @mux.aggregator("*", max_size=2, grace_period=1)
    def fail(group: str, tasks: list[Task]) -> Task | None:
        failed.set()
        raise ValueError("no")

    async with work.serving(mux):
        await fill(work, "g", b"ab")
        await asyncio.to_thread(failed.wait, 20)
    (name,) = work.redis.zrange("asynq:{default}:aggregation_sets", 0, -1)
    assert work.redis.zcard(name) == 2
    (record,) = [each for each in caplog.records if "was not aggregated" in each.getMessage()]
    assert (
        "the aggregator of '*' raised ValueError: no [tests/worker/groups/test_aggregator.py:"
        in record.getMessage()
    )
    assert (record.exc_info, record.getMessage().count("\n")) == (None, 0)

    work.redis.zadd("asynq:{default}:aggregation_sets", {name: 1})  # its deadline is over
    again = ServeMux()
    seen = collecting(again)
    again.aggregator("*", grace_period=1)(joined)
    async with work.serving(again):
        await eventually_async(lambda: seen)

    assert seen == [b"g|a|b"]
    assert work.redis.exists("asynq:{default}:aggregation_sets") == 0


async def test_a_member_that_cannot_be_read_is_archived_and_the_others_aggregated(work, caplog):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("*", max_size=3, grace_period=1)(joined)
    await fill(work, "g", b"a")
    for task_id, fields in {"bad": {"msg": b"\xff\xff"}, "ghost": {}}.items():
        if fields:
            work.redis.hset(f"asynq:{{default}}:t:{task_id}", mapping=fields)
        work.redis.zadd("asynq:{default}:g:g", {task_id: 1})

    async with work.serving(mux):
        await eventually_async(lambda: seen)

    assert seen == [b"g|a"]
    assert work.redis.zrange("asynq:{default}:archived", 0, -1) == [b"bad"]
    assert work.redis.hget("asynq:{default}:t:bad", "msg") == b"\xff\xff"
    (record,) = [each for each in caplog.records if "task bad" in each.getMessage()]
    assert record.getMessage().startswith("task bad of group 'g' cannot be read: ")
    assert (record.exc_info, record.getMessage().count("\n")) == (None, 0)


@pytest.mark.parametrize("key", ["g:bad", "x:scheduled_groups"])
async def test_a_key_of_another_type_keeps_no_other_group_from_being_aggregated(work, key, caplog):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("*", max_size=2)(joined)
    queue = "broken" if key.startswith("x:") else "default"
    work.redis.set(f"asynq:{{{queue}}}:{key}", "no set")
    work.redis.sadd(f"asynq:{{{queue}}}:groups", "bad")

    async with work.serving(mux, group_grace_period=1, queues={"broken": 1, "default": 1}):
        for _ in range(2):
            await fill(work, "good", b"ab")
            await eventually_async(lambda: seen)
            assert seen.pop() == b"good|a|b"

    records = [line for line in caplog.records if line.name == "pyasynq.aggregator"]
    assert len([line for line in records if f"of queue {queue}" in line.getMessage()]) == 1


async def test_a_member_that_has_expired_is_not_aggregated(work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("*", grace_period=1)(joined)
    infos = await fill(work, "g", b"ab")
    work.redis.hset(f"asynq:{{default}}:t:{infos[0].id}", "expires_at", 1)

    async with work.serving(mux):
        await eventually_async(lambda: seen)

    assert seen == [b"g|b"]


async def test_a_scheduled_member_reaches_its_group_when_due(work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("*", grace_period=1)(joined)

    async with work.serving(mux):
        await fill(work, "g", b"a", process_in=0.2)
        await eventually_async(lambda: seen)

    assert seen == [b"g|a"]


async def test_a_group_whose_name_a_go_forwarder_forgot_is_found(work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("*", grace_period=1)(joined)
    work.redis.zadd("asynq:{default}:x:aggregators", {"a server": 2**31})
    (info,) = await fill(work, "g", b"a", process_in=1)
    work.redis.zrem("asynq:{default}:scheduled", info.id)  # what Go's forwarder does
    work.redis.zadd("asynq:{default}:g:g", {info.id: 1})
    work.redis.hset(f"asynq:{{default}}:t:{info.id}", "state", "aggregating")

    async with work.serving(mux):
        await eventually_async(lambda: seen)

    assert seen == [b"g|a"]


async def test_an_aggregator_that_never_ends_does_not_hold_up_the_stop(work):
    mux = ServeMux()
    started = asyncio.Event()

    @mux.aggregator("*", max_size=1, grace_period=1)
    async def hang(group: str, tasks: list[Task]) -> Task | None:
        started.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(20), work.serving(mux, shutdown_timeout=0.1):
        await fill(work, "g", b"a")
        await started.wait()

    assert work.redis.zcard("asynq:{default}:aggregation_sets") == 1


@pytest.mark.parametrize(
    "limits",
    [{"grace_period": 0.5}, {"max_delay": 0.5}, {"max_size": -1}, {"max_size": 501}],
)
def test_wrong_limits_are_refused(limits):
    with pytest.raises(ConfigError, match=next(iter(limits))):
        ServeMux().aggregator("*", **limits)(joined)


def test_a_pattern_has_one_function():
    mux = ServeMux()
    mux.aggregator("a*")(joined)

    with pytest.raises(ConfigError, match="have an aggregator already"):
        mux.aggregator("a*")(lambda group, tasks: None)
