"""Servers of both languages take tasks from queues in the same shares."""

import asyncio
from collections import Counter

import pytest

from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.order_of_go import limit, misfit

QUEUES = {"critical": 6, "default": 3, "low": 1}
CHANCE = 1e-9  # nothing is seeded here: a fair server fails once in 1e9 runs
DRAWS = 20_000


def shares(names):
    total = sum(QUEUES[name] for name in names)
    return {name: QUEUES[name] / total for name in names}


async def fill(work, draws, critical) -> dict[str, float]:
    """Fill the queues; return the shares of those that do not run empty within *draws*."""
    rest = shares(QUEUES if critical is None else ["default", "low"])
    left = draws - (critical or 0)
    # Eight standard deviations more than the share.
    counts = {name: round(share * left + 8 * left**0.5) for name, share in rest.items()}
    if critical is not None:
        counts["critical"] = critical
    for queue, count in counts.items():
        await work.client.enqueue_many([(Task("email"), EnqueueOptions(queue=queue))] * count)
    return rest


async def count_in_python(work, draws, **settings) -> Counter:
    """Return how many of the first *draws* tasks came from which queue."""
    mux, seen, enough = ServeMux(), Counter(), asyncio.Event()

    @mux.handler("email")
    async def handle(ctx, task):
        if seen.total() < draws:
            seen[ctx.queue] += 1
        else:
            enough.set()

    async with work.serving(mux, queues=QUEUES, lease_duration=30, **settings):
        await enough.wait()
    return seen


async def count_in_go(peer, draws, kind) -> Counter:
    priorities = [f"{name}={priority}" for name, priority in QUEUES.items()]
    (drawn,) = await peer.run("drain", str(draws), kind, *priorities)
    return Counter(drawn)


def check_shares(who, seen, rest, draws, critical):
    chi_squared, degrees = misfit({name: seen[name] for name in rest}, rest)
    bound = limit(degrees, CHANCE)
    print(f"{who}: {dict(seen)}, χ² {chi_squared:.1f} < {bound:.1f} ({degrees})")
    assert seen.total() == draws
    assert critical is None or seen["critical"] == critical
    assert chi_squared < bound


@pytest.mark.long
@pytest.mark.parametrize("critical", [None, 3_000])
async def test_weighted_shares_of_go_are_those_computed(peer, work, critical):
    rest = await fill(work, DRAWS, critical)

    seen = await count_in_go(peer, DRAWS, "weighted")

    check_shares("go", seen, rest, DRAWS, critical)


@pytest.mark.long
@pytest.mark.parametrize("critical", [None, 3_000])
@pytest.mark.parametrize("concurrency", [1, 8, 128])
async def test_weighted_shares_of_python_are_those_of_go(peer, work, concurrency, critical):
    rest = await fill(work, DRAWS, critical)

    seen = await count_in_python(work, DRAWS, concurrency=concurrency)

    check_shares(f"python, {concurrency} at once", seen, rest, DRAWS, critical)


@pytest.mark.parametrize("critical", [None, 300])
async def test_a_server_in_python_takes_weighted_shares(work, critical):
    rest = await fill(work, 1_500, critical)

    seen = await count_in_python(work, 1_500, concurrency=8)

    check_shares("python, 8 at once", seen, rest, 1_500, critical)


async def test_strict_shares_are_the_same_in_both_languages(peer, work):
    strict = {"critical": 60, "default": 140}
    await fill(work, 200, 60)
    ours = await count_in_python(work, 200, concurrency=8, strict_priority=True)
    work.redis.flushall()
    await fill(work, 200, 60)
    theirs = await count_in_go(peer, 200, "strict")

    assert (ours, theirs) == (strict, strict)
