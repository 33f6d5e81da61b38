"""Outcomes are written, even at the stop, and one that cannot be written harms no other."""

import asyncio
import math
from random import Random

from typing_extensions import override

from pyasynq.broker.operations import dequeue
from pyasynq.broker.operations.finish import Fence
from pyasynq.broker.operations.progress import write_progress
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.lifecycle.component import running
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.message import decode
from pyasynq.wire.progress import ProgressRecord
from pyasynq.worker.attempt.outcome import FINISHED, LOST, Completed, of_success
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.finish.finisher import FIRST_WAIT_S, LONGEST_WAIT_S, Finisher
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.handlers.progress import Reported
from pyasynq.worker.server import Server
from tests.support.builders import make_resources, make_running
from tests.support.chaos_proxy import ChaosProxy
from tests.support.signals import flushed
from tests.support.workplace import QUICK

TRIES_TO_THE_LONGEST_WAIT = 1 + math.ceil(math.log2(LONGEST_WAIT_S / FIRST_WAIT_S))


async def held_tasks(runner, keys, clock, *, count):
    lease_until_s = clock.now_ns() // 10**9 + 30
    operation = dequeue.dequeue_many(
        keys, count=count, owner="me", lease_expires_at_s=lease_until_s
    )
    fetched = await runner.run(operation)
    return [
        RunningTask(
            message=decode(leased.data),
            keys=keys,
            key=(keys.queue, leased.task_id),
            fence=Fence(owner="me"),
            leased=leased,
            started_ns=0,
            deadline_ns=0,
            ends_at=0.0,
            lease_until_s=lease_until_s,
        )
        for leased in fetched.tasks
    ]


async def test_outcomes_that_a_call_has_left_are_written_by_the_next_ones_without_a_pause(
    work, runner, caplog
):
    clock, keys = SystemClock(), queue_keys("default")
    for _ in range(20):
        await work.enqueue("email")
    tasks = await held_tasks(runner, keys, clock, count=20)
    for number in range(0, 100_000, 5000):
        ids = [f"{each:036}" for each in range(number, number + 5000)]
        work.redis.lpush(keys.active, *ids[:2500])
        work.redis.rpush(keys.active, *ids[2500:])
    held = {each.key: each for each in tasks}
    finisher = Finisher(make_resources(runner, held=held), on_retry=lambda _due: None)
    finisher._pause = None  # a pause would fail

    for each in tasks:
        finisher.settle(each, FINISHED)
    await finisher.flushed.until(lambda: finisher.unwritten == 0)

    assert held == {}
    assert finisher.counts == {"done": 20}
    assert work.count("processed") == 20
    assert work.redis.llen(keys.active) == 100_000
    assert caplog.messages == []


async def test_only_the_outcome_that_cannot_be_sent_is_dropped(work, runner, caplog):
    clock, keys = SystemClock(), queue_keys("default")
    infos = [await work.enqueue("email") for _ in range(3)]
    tasks = await held_tasks(runner, keys, clock, count=3)
    held = {each.key: each for each in tasks}
    finisher = Finisher(make_resources(runner, held=held), on_retry=lambda _due: None)

    unsendable = Completed(data=object(), expires_at_s=0, result=None)
    for each, outcome in zip(tasks, (FINISHED, unsendable, FINISHED), strict=True):
        finisher.settle(each, outcome)
    await finisher.flushed.until(lambda: finisher.unwritten == 0)

    assert held == {}
    assert [work.state(info) for info in infos] == [None, "active", None]
    assert f"cannot write the outcome of task {infos[1].id}, which will be recovered" in caplog.text


async def test_finisher_writes_at_the_stop_what_is_left(work, redis_server):
    mux, started, go_on = ServeMux(), asyncio.Event(), asyncio.Event()
    with ChaosProxy(redis_server.port) as proxy:
        server = Server(proxy.url, ServerConfig(**QUICK))

        @mux.handler("email")
        async def handle(ctx, task):
            started.set()
            await go_on.wait()
            proxy.refuse()
            proxy.cut()
            server.shutdown()

        info = await work.enqueue("email")
        serving = asyncio.create_task(server.serve(mux))
        await started.wait()
        with flushed(server).listening() as flushes:
            go_on.set()
            assert [task.task_id for task, _outcome in await flushes.get()] == [info.id]
        proxy.accept()  # nothing could be written before
        await serving

    assert work.state(info) is None
    assert work.count("processed") == 1


class LongestWaits(Random):
    """Draws the longest wait that a jitter allows."""

    @override
    def uniform(self, a: float, b: float) -> float:
        return b


async def test_an_outcome_that_waits_for_its_next_try_is_written_at_the_stop(work, redis_server):
    """The last wait before the stop is longer than all the time that the stop has for writes."""
    keys, clock = queue_keys("default"), SystemClock()
    info = await work.enqueue("email")
    with ChaosProxy(redis_server.port) as proxy:
        runner = AsyncRunner(Connector.of(proxy.url).open_async(), clock=clock)
        (task,) = await held_tasks(runner, keys, clock, count=1)
        budget = ShutdownBudget(handlers_s=0, writes_s=LONGEST_WAIT_S / 2)
        resources = make_resources(
            runner, held={task.key: task}, budget=budget, random=LongestWaits()
        )
        finisher = Finisher(resources, on_retry=lambda _due: None)

        async with running([finisher], budget):
            proxy.refuse()
            proxy.cut()
            with finisher.flushed.listening() as flushes:
                finisher.settle(task, FINISHED)
                for _ in range(TRIES_TO_THE_LONGEST_WAIT):
                    assert await flushes.get()
            proxy.accept()
        await runner.close()

    assert work.state(info) is None


async def test_the_last_progress_survives_an_outage_at_the_end_of_its_task(work, redis_server):
    mux, began, go_on = ServeMux(), asyncio.Event(), asyncio.Event()
    with ChaosProxy(redis_server.port) as proxy:
        server = Server(proxy.url, ServerConfig(**QUICK))

        @mux.handler("email")
        async def handle(ctx, task):
            ctx.progress(1, 2)
            began.set()
            await go_on.wait()
            proxy.refuse()
            proxy.cut()
            ctx.progress(2, 2)

        info = await work.enqueue("email", retention=60)
        async with server.running(mux):
            await began.wait()
            with flushed(server).listening() as flushes:
                go_on.set()
                assert [task.task_id for task, _outcome in await flushes.get()] == [info.id]
            proxy.accept()
            await work.until(info, "completed")

    stored = work.redis.hget(f"asynq:{{default}}:t:{info.id}", "progress")
    assert stored.startswith(b'{"done":2,"total":2,')


async def test_progress_is_forgotten_with_its_task(work, runner):
    keys, clock = queue_keys("default"), SystemClock()
    infos = [await work.enqueue("email") for _ in range(2)]
    done, lost = await held_tasks(runner, keys, clock, count=2)
    resources = make_resources(runner, held={each.key: each for each in (done, lost)})
    finisher = Finisher(resources, on_retry=lambda _due: None)
    record = ProgressRecord(done=1)
    outlived = make_running("gone")
    resources.reports.update({each: Reported(record) for each in (done, lost, outlived)})

    finisher.settle(done, FINISHED)
    finisher.settle(lost, LOST)
    await finisher.flushed.until(lambda: finisher.unwritten == 0)

    assert resources.reports == {}
    assert [work.state(info) for info in infos] == [None, "active"]


async def test_an_older_report_never_comes_after_the_last_one(work, runner):
    keys, clock = queue_keys("default"), SystemClock()
    info = await work.enqueue("email", retention=60)
    (task,) = await held_tasks(runner, keys, clock, count=1)
    resources = make_resources(runner, held={task.key: task})
    finisher = Finisher(resources, on_retry=lambda _due: None)

    async def write_slowly():
        await asyncio.sleep(0)
        await runner.run(write_progress(keys, info.id, task.fence, b"old"))

    writing = asyncio.create_task(write_slowly())
    resources.reports[task] = Reported(ProgressRecord(done=2), writing=writing)
    finisher.settle(task, of_success(task.message, None, clock.now_ns()))
    await finisher.flushed.until(lambda: finisher.unwritten == 0)

    stored = work.redis.hget(f"asynq:{{default}}:t:{info.id}", "progress")
    assert stored == b'{"done":2}'
