"""Aggregators that misbehave: their group is kept, and the others are aggregated."""

import asyncio
import sys

import pytest

from pyasynq.task import Task
from pyasynq.worker.handlers.mux import ServeMux
from tests.faults.figures import show
from tests.support.eventually import eventually_async


class Own(BaseException):
    pass


def leave():
    sys.exit(3)


def interrupt():
    raise KeyboardInterrupt


def cancel():
    raise asyncio.CancelledError


def own():
    raise Own


def garbage():
    return {"no": "task"}


def generate():
    yield Task("never")


def add_bad(mux: ServeMux, act, mode: str) -> None:
    if mode == "thread":

        @mux.aggregator("bad", max_size=2, grace_period=1)
        def plain(group, tasks):
            return act()

    else:

        @mux.aggregator("bad", max_size=2, grace_period=1)
        async def on_loop(group, tasks):
            return act()


@pytest.mark.parametrize("mode", ["loop", "thread"])
@pytest.mark.parametrize("act", [leave, interrupt, cancel, own, garbage, generate])
async def test_an_aggregator_that_misbehaves_harms_no_other_group(work, act, mode, caplog):
    done = []
    mux = ServeMux()
    add_bad(mux, act, mode)

    @mux.aggregator("good", max_size=2)
    async def join(group, tasks):
        return Task("joined")

    @mux.handler("joined")
    async def handle(ctx, task):
        done.append(task.type)

    async with work.serving(mux):
        for _ in range(2):
            await work.enqueue("item", group="bad")
        await eventually_async(lambda: "group 'bad' of queue 'default' was not" in caplog.text)
        for _ in range(2):
            await work.enqueue("item", group="good")
        await eventually_async(lambda: done)

    (kept,) = work.redis.zrange("asynq:{default}:aggregation_sets", 0, -1)
    show(
        f"aggregator misbehaves ({act.__name__}, {mode})",
        tasks=4,
        lost=2 - work.redis.zcard(kept),
        duplicates=len(done) - 1,
    )
    assert done == ["joined"]
    assert work.redis.zcard(kept) == 2
