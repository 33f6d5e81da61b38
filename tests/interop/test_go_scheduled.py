"""Tasks that one language scheduled or grouped are forwarded and aggregated by the other."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async

SERVER_KEYS = (
    "asynq:queues",
    "asynq:servers",
    "asynq:workers",
    "asynq:{default}:processed",
    "asynq:{default}:x:types",
)

# Names of groups are kept for ten minutes, lest Go's forwarder forget them.
REMEMBERED = ["asynq:{default}:x:scheduled_groups"]

each_wait = pytest.mark.parametrize("process_in", [0.05, 0.3, 1, 1.25])


def keys_left(work) -> list[str]:
    """Return the keys that tasks have left behind, other than counters."""
    names = sorted(name.decode() for name in work.redis.keys("*"))
    return [name for name in names if not name.startswith(SERVER_KEYS)]


def collecting(mux: ServeMux) -> list[tuple[str, bytes]]:
    seen = []

    @mux.handler("a")
    async def handle(ctx, task):
        seen.append((task.type, task.payload))

    return seen


@each_wait
async def test_go_alone_runs_what_python_scheduled_and_leaves_nothing(peer, work, process_in):
    worker = await peer.serve()
    info = await work.enqueue("a", process_in=process_in, unique=60)
    await work.until(info, None)

    (seen,) = worker.printed
    assert seen["id"] == info.id
    assert seen["at"] >= int(info.next_process_at.timestamp())  # Go's forwarder cuts to seconds
    assert keys_left(work) == []


async def test_go_alone_runs_batches_that_python_scheduled_for_one_moment(peer, work):
    worker = await peer.serve()
    soon = EnqueueOptions(process_at=datetime.now(UTC) + timedelta(seconds=0.5))
    results = await work.client.enqueue_many([(Task("a"), soon)] * 250)
    await eventually_async(lambda: work.count("processed") == 250)

    assert sorted(line["id"] for line in worker.printed) == sorted(each.info.id for each in results)
    assert keys_left(work) == []


@each_wait
async def test_python_alone_runs_what_go_scheduled_and_leaves_nothing(peer, work, process_in):
    mux = ServeMux()
    seen = collecting(mux)

    async with work.serving(mux):
        await peer.enqueue("a", b"1", process_in=process_in, unique=60)
        await eventually_async(lambda: work.count("processed") == 1)

    assert seen == [("a", b"1")]
    assert keys_left(work) == []


async def test_go_aggregates_a_group_of_python(peer, work):
    for payload in (b"1", b"2", b"3"):
        await work.enqueue("item", payload, group="g", unique=60)
    worker = await peer.serve()
    await eventually_async(lambda: work.count("processed") == 1)

    (seen,) = worker.printed
    assert seen["type"] == "aggregated:g"
    assert sorted(seen["payload"].split(b",")) == [b"1", b"2", b"3"]
    assert work.redis.keys("asynq:{default}:t:*") == []


async def test_python_aggregates_a_group_of_go(peer, work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("g", grace_period=1)(join)

    for payload in (b"1", b"2", b"3"):
        await peer.enqueue("item", payload, group="g", unique=60)
    async with work.serving(mux, group_grace_period=1):
        await eventually_async(lambda: work.count("processed") == 1)

    assert [(kind, sorted(payload.split(b","))) for kind, payload in seen] == [
        ("a", [b"1", b"2", b"3"])
    ]
    assert keys_left(work) == REMEMBERED


async def test_members_of_both_languages_are_in_one_group(peer, work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("g", max_size=4)(join)

    for payload in (b"1", b"2"):
        await peer.enqueue("item", payload, group="g")
        await work.enqueue("item", payload, group="g")
    async with work.serving(mux, group_grace_period=1):
        await eventually_async(lambda: work.count("processed") == 1)

    ((_kind, payload),) = seen
    assert sorted(payload.split(b",")) == [b"1", b"1", b"2", b"2"]


@each_wait
async def test_go_alone_runs_what_python_scheduled_for_a_group_as_it_does_with_its_own(
    peer, work, process_in
):
    worker = await peer.serve()
    await peer.enqueue("item", b"go", group="g", process_in=process_in)
    await work.enqueue("item", b"python", group="g", process_in=process_in)
    await eventually_async(lambda: work.count("processed") == 2)

    # Without a server that lists the group again, tasks in it would wait for ever.
    assert sorted(line["payload"] for line in worker.printed) == [b"go", b"python"]
    assert keys_left(work) == []


async def test_python_alone_aggregates_what_was_scheduled_when_no_server_was_there(work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("g", max_size=2)(join)

    await work.enqueue("item", b"1", group="g", process_in=0.3)
    await work.enqueue("item", b"2", group="g", process_in=0.3)
    async with work.serving(mux, group_grace_period=1):
        await eventually_async(lambda: work.count("processed") == 1)

    assert [sorted(payload.split(b",")) for _type, payload in seen] == [[b"1", b"2"]]
    assert keys_left(work) == REMEMBERED


async def test_python_aggregates_what_it_scheduled_beside_go_whoever_forwards_it(peer, work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("g", max_size=20, grace_period=60)(join)

    await peer.serve()
    async with work.serving(mux, group_grace_period=1):
        for number in range(20):
            await work.enqueue("item", b"%d" % number, group="g", process_in=0.05 * number)
        await eventually_async(lambda: work.count("processed") == 1)

    # Go may also have run the one task that they became.
    assert [len(payload.split(b",")) for _type, payload in seen] in ([], [20])
    assert work.redis.keys("asynq:{default}:t:*") == []


async def test_python_aggregates_its_scheduled_group_after_go_forwarded_it(peer, work):
    mux = ServeMux()
    seen = collecting(mux)
    mux.aggregator("g", grace_period=1)(join)

    worker = await peer.serve()
    work.redis.zadd("asynq:{default}:x:aggregators", {"a Python server": 2**31})
    info = await work.enqueue("item", b"1", group="g", process_in=0.3)
    await work.until(info, "aggregating")
    worker.kill()
    work.redis.delete("asynq:{default}:x:aggregators")
    assert work.redis.exists("asynq:{default}:groups") == 0  # Go does not list what it forwards
    async with work.serving(mux, group_grace_period=1):
        await eventually_async(lambda: work.count("processed") == 1)

    assert seen == [("a", b"1")]
    assert keys_left(work) == REMEMBERED


def join(group: str, tasks: list[Task]) -> Task:
    return Task("a", b",".join(task.payload or b"" for task in tasks))
