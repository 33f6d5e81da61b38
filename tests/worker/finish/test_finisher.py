"""Outcomes are written, even at the stop, and one that cannot be written harms no other."""

import asyncio
import math
from random import Random

from typing_extensions import override

from pyasynq.broker.operations import dequeue
from pyasynq.broker.operations.finish import Fence
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.lifecycle.component import running
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.message import decode
from pyasynq.worker.attempt.outcome import FINISHED, Completed
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.finish.finisher import FIRST_WAIT_S, LONGEST_WAIT_S, Finisher
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.builders import make_resources
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
