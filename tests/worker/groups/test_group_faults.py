"""Groups when something goes wrong: nothing is lost, nothing is aggregated twice."""

import asyncio
import functools
import os
import signal
import sys
import textwrap
from collections import Counter

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.task import Task
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async
from tests.support.workplace import Workplace

SETS = "asynq:{default}:aggregation_sets"
GROUPS = "asynq:{default}:groups"


def listing(group: str, tasks: list[Task]) -> Task:
    """Return an aggregate whose payload lists its members."""
    return Task("digest", b"|".join(sorted(task.payload or b"" for task in tasks)))


def collecting(mux: ServeMux) -> list[bytes]:
    seen: list[bytes] = []

    @mux.handler("digest")
    async def handle(ctx, task):
        seen.append(task.payload)

    return seen


def members(seen: list[bytes]) -> Counter[bytes]:
    return Counter(member for payload in seen for member in payload.split(b"|"))


def make_overdue(work) -> None:
    """Let the deadline of every aggregation set be over."""
    for name in work.redis.zrange(SETS, 0, -1):
        work.redis.zadd(SETS, {name: 1})


async def test_an_aggregator_that_hangs_holds_up_no_other_group(work):
    mux = ServeMux()
    seen = collecting(mux)
    hangs = asyncio.Event()

    @mux.aggregator("slow", max_size=1)
    async def hang(group: str, tasks: list[Task]) -> Task | None:
        hangs.set()
        return await asyncio.Event().wait()

    mux.aggregator("quick", max_size=1)(listing)
    async with work.serving(mux, group_grace_period=1, shutdown_timeout=0.1):
        await work.enqueue("item", group="slow")
        await hangs.wait()
        await work.enqueue("item", b"a", group="quick")
        await eventually_async(lambda: seen)

    assert seen == [b"a"]


async def test_more_groups_than_slots_are_all_aggregated(work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("*", max_size=1, grace_period=1)(listing)
    for number in range(20):
        await work.enqueue("item", b"%d" % number, group=f"g{number}")

    async with work.serving(mux):
        await eventually_async(lambda: len(seen) == 20)

    assert sorted(seen) == sorted(b"%d" % number for number in range(20))
    assert work.redis.exists(GROUPS, SETS) == 0


async def test_a_stop_takes_no_more_groups(work):
    mux = ServeMux()
    called = []

    @mux.aggregator("*", max_size=1, grace_period=1)
    async def hang(group: str, tasks: list[Task]) -> Task | None:
        called.append(group)
        return await asyncio.Event().wait()

    for number in range(10):
        await work.enqueue("item", group=f"g{number}")
    async with work.serving(mux, shutdown_timeout=0.1):
        await eventually_async(lambda: len(called) == 3)

    assert len(called) == 3
    assert work.redis.zcard(SETS) == 3
    assert work.redis.scard(GROUPS) == 7


async def test_a_group_of_a_wrong_type_holds_up_no_other_group(work, caplog):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("*", max_size=1, grace_period=1)(listing)
    work.redis.set("asynq:{default}:g:bad", "x")
    work.redis.sadd(GROUPS, "bad")
    work.redis.set("asynq:{low}:groups", "x")

    async with work.serving(mux, queues={"low": 1, "default": 1}):
        for payload in (b"a", b"b"):
            await work.enqueue("item", payload, group="good")
            await eventually_async(lambda p=payload: p in seen)

    assert sorted(seen) == [b"a", b"b"]
    logged_errors = [
        record.getMessage() for record in caplog.records if record.levelname == "ERROR"
    ]
    assert sum("group 'bad'" in each for each in logged_errors) == 1
    assert sum("the groups of queue low" in each for each in logged_errors) == 1


async def test_a_set_of_a_wrong_type_holds_up_no_other_set(work):
    work.redis.set("asynq:{default}:g:bad:1", "x")
    work.redis.set("asynq:{default}:g:worse", "x")
    for group in ("worse", "good"):
        work.redis.zadd(f"asynq:{{default}}:g:{group}:1", {"a": 1})
    for group in ("bad", "worse", "good"):
        work.redis.zadd(SETS, {f"asynq:{{default}}:g:{group}:1": 1})

    async with work.serving(ServeMux()):
        await eventually_async(lambda: work.redis.exists("asynq:{default}:g:good"))

    assert work.redis.smembers(GROUPS) == {b"good"}
    # What cannot go back stays where it is, for a person to look at.
    assert work.redis.zrange(SETS, 0, -1) == [b"asynq:{default}:g:worse:1"]


@pytest.mark.parametrize("error", [asyncio.CancelledError, SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("is_async", [True, False])
async def test_whatever_an_aggregator_raises_the_server_goes_on(work, error, is_async, caplog):
    mux = ServeMux()
    seen = collecting(mux)

    def fail(group: str, tasks: list[Task]) -> Task | None:
        raise error

    async def fail_later(group: str, tasks: list[Task]) -> Task | None:
        raise error

    mux.aggregator("bad", max_size=1)(fail_later if is_async else fail)
    mux.aggregator("good", max_size=1)(listing)
    async with work.serving(mux, group_grace_period=1):
        await work.enqueue("item", group="bad")
        await eventually_async(lambda: "group 'bad'" in caplog.text)
        await work.enqueue("item", b"a", group="good")
        await eventually_async(lambda: seen)

    assert seen == [b"a"]
    assert work.redis.zcard(SETS) == 1


async def test_a_plain_function_may_return_an_awaitable(work):
    mux = ServeMux()
    seen = collecting(mux)

    async def later(mark: bytes, group: str, tasks: list[Task]) -> Task:
        return Task("digest", mark)

    mux.aggregator("*", max_size=1, grace_period=1)(functools.partial(later, b"!"))
    async with work.serving(mux):
        await work.enqueue("item", group="g")
        await eventually_async(lambda: seen)

    assert seen == [b"!"]


async def test_a_member_that_go_forgot_is_found_while_a_later_one_is_scheduled(work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("*", grace_period=1)(listing)
    work.redis.zadd("asynq:{default}:x:aggregators", {"a server": 2**31})
    info = await work.enqueue("item", b"a", group="g", process_in=1)
    await work.enqueue("item", b"b", group="g", process_in=86_400)
    work.redis.zrem("asynq:{default}:scheduled", info.id)  # what Go's forwarder does
    work.redis.zadd("asynq:{default}:g:g", {info.id: 1})
    work.redis.hset(f"asynq:{{default}}:t:{info.id}", "state", "aggregating")

    async with work.serving(mux):
        await eventually_async(lambda: seen)

    assert seen == [b"a"]


async def test_two_servers_aggregate_every_member_once(work):
    muxes = [ServeMux(), ServeMux()]
    seen = [collecting(mux) for mux in muxes]
    for mux in muxes:
        mux.aggregator("*", max_size=7, grace_period=1)(listing)
    payloads = [b"%d" % number for number in range(300)]

    async with work.serving(muxes[0]), work.serving(muxes[1]):
        for number, payload in enumerate(payloads):
            await work.enqueue("item", payload, group=f"g{number % 5}", unique=600)
        await eventually_async(lambda: len(members(seen[0] + seen[1])) == len(payloads))

    assert members(seen[0] + seen[1]) == Counter(payloads)
    assert work.redis.keys("asynq:{default}:[tgu]*") == []


async def test_a_server_that_is_too_late_stores_nothing(work, caplog):
    slow, quick = ServeMux(), ServeMux()
    seen = [collecting(slow), collecting(quick)]
    reading, go_on = asyncio.Event(), asyncio.Event()

    @slow.aggregator("*", max_size=2, grace_period=1)
    async def wait(group: str, tasks: list[Task]) -> Task | None:
        reading.set()
        await go_on.wait()
        return listing(group, tasks)

    quick.aggregator("*", max_size=2, grace_period=1)(listing)
    async with work.serving(slow):
        for payload in (b"a", b"b"):
            await work.enqueue("item", payload, group="g")
        await reading.wait()
        make_overdue(work)
        async with work.serving(quick):
            await eventually_async(lambda: seen[0] + seen[1])
            go_on.set()
            await eventually_async(lambda: "took too long" in caplog.text)

    assert seen[0] + seen[1] == [b"a|b"]
    assert work.redis.keys("asynq:{default}:[tg]*") == []


WORKER = """
    import sys, time
    from pyasynq import Server, ServerConfig, ServeMux, Task

    mux = ServeMux()

    @mux.aggregator("*", max_size=3, grace_period=1)
    def join(group, tasks):
        print("reading", flush=True)
        time.sleep(3600)

    Server(sys.argv[1], ServerConfig(shutdown_timeout=0.1)).run(mux)
"""


@pytest.mark.slow
async def test_an_outage_in_the_middle_is_logged_once_and_loses_nothing(own_redis, caplog):
    caplog.set_level("INFO", "pyasynq.aggregator")
    redis_client = own_redis.client()
    mux = ServeMux()
    called, go_on = asyncio.Event(), asyncio.Event()

    @mux.aggregator("*", max_size=1, grace_period=1)
    async def wait(group: str, tasks: list[Task]) -> Task | None:
        called.set()
        await go_on.wait()
        return listing(group, tasks)

    async with AsyncClient(own_redis.url) as client:
        work = Workplace(own_redis.url, client, redis_client)
        seen = collecting(mux)
        payloads = [b"%d" % number for number in range(30)]
        for payload in payloads:
            await work.enqueue("item", payload, group=payload.decode())
        async with work.serving(mux):
            await called.wait()
            os.kill(own_redis.pid, signal.SIGSTOP)
            go_on.set()
            await eventually_async(lambda: "was not aggregated" in caplog.text, within_s=60)
            os.kill(own_redis.pid, signal.SIGCONT)
            await eventually_async(lambda: len(seen) >= 27, within_s=60)
            make_overdue(work)
            await eventually_async(lambda: len(members(seen)) == 30, within_s=60)

    logged = [each for each in caplog.records if "was not aggregated" in each.getMessage()]
    assert members(seen) == Counter(payloads)
    assert len(logged) <= 3
    redis_client.close()


async def test_a_worker_killed_between_reading_and_enqueuing_loses_nothing(work, tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(textwrap.dedent(WORKER))
    infos = [
        await work.enqueue("item", payload, group="g", unique=600) for payload in (b"a", b"b", b"c")
    ]
    worker = await asyncio.create_subprocess_exec(
        sys.executable, str(script), work.url, stdout=asyncio.subprocess.PIPE
    )
    assert await worker.stdout.readline() == b"reading\n"
    worker.kill()
    assert await worker.wait() == -signal.SIGKILL
    assert work.redis.zcard(SETS) == 1
    assert [work.state(info) for info in infos] == ["aggregating"] * 3
    assert work.redis.exists(GROUPS) == 0

    make_overdue(work)
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("*", max_size=3, grace_period=1)(listing)
    async with work.serving(mux):
        await eventually_async(lambda: seen)

    assert seen == [b"a|b|c"]
    assert work.redis.keys("asynq:{default}:[tgu]*") == []
