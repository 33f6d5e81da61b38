"""The one who cancels a running task decides what becomes of it."""

import asyncio
import threading

import pytest

from pyasynq import retry
from pyasynq.control_flow import RetryLater
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.worker.handlers.mux import ServeMux
from tests.support import process_handlers
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async
from tests.support.process_ledger import lines
from tests.support.workplace import Workplace

CHANNEL = "asynq:cancel"
LATE = {"retry_delay": retry.fixed(3600), "cancel_grace": 20}
ENDS = [("retry", "retry"), ("archive", "archived"), ("drop", None)]


@pytest.fixture
async def tasks(redis_url):
    async with AsyncInspector(redis_url) as inspector:
        yield inspector.tasks


class Waiting:
    """A mux whose handlers wait to be cancelled, and a record of how they ended."""

    def __init__(self, *, at_end=None) -> None:
        self.mux, self.at_end = ServeMux(), at_end
        self.running, self.ended = [], []
        self.mux.add("async", self._wait)
        self.mux.add("thread", self._look)

    async def _wait(self, ctx, task):
        self.running.append(ctx.task_id)
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.append(ctx.is_cancelled)
            if self.at_end is not None:
                raise self.at_end

    def _look(self, ctx, task):
        self.running.append(ctx.task_id)
        while not ctx.is_cancelled:
            threading.Event().wait(0.005)
        self.ended.append(ctx.is_cancelled)

    async def runs(self, work: Workplace, count: int = 1) -> None:
        """Wait until *count* handlers run, on a server that listens for cancellations."""
        await eventually_async(lambda: work.redis.pubsub_numsub(CHANNEL)[0][1] == 1)
        await eventually_async(lambda: len(self.running) == count)


def field(work, info, name="on_cancel"):
    return work.redis.hget(f"asynq:{{{info.queue}}}:t:{info.id}", name)


@pytest.mark.parametrize("kind", ["async", "thread"])
@pytest.mark.parametrize(("then", "state"), ENDS)
async def test_a_cancelled_task_becomes_what_was_asked_for(work, tasks, kind, then, state):
    waiting = Waiting()

    async with work.serving(waiting.mux, **LATE):
        info = await work.enqueue(kind, max_retry=3, retention=60)
        await waiting.runs(work)
        heard = await tasks.cancel(info.id, then=then)
        await work.until(info, state)

    assert (heard, waiting.ended) == (1, [True])
    assert field(work, info) is None
    assert work.count("processed") == 1
    assert work.count("failed") == (0 if then == "drop" else 1)
    if state is not None:
        message = work.message(info)
        assert (message.error_msg, message.retried) == ("context canceled", int(then == "retry"))


@pytest.mark.slow
@pytest.mark.parametrize(("then", "state"), ENDS[1:])
async def test_a_cancelled_task_in_a_process_becomes_what_was_asked_for(
    work, tasks, tmp_path, then, state
):
    ledger = tmp_path / "ledger"

    async with work.serving(process_handlers.mux, process_pool_size=1, **LATE):
        await eventually_async(lambda: work.redis.pubsub_numsub(CHANNEL)[0][1] == 1)
        info = await work.enqueue("sleep", str(ledger).encode())
        await eventually_async(lambda: lines(ledger))
        await tasks.cancel(info.id, then=then)
        await work.until(info, state)

    assert work.count("failed") == (0 if then == "drop" else 1)


async def test_a_dropped_task_frees_its_lock(work, tasks):
    waiting = Waiting()

    async with work.serving(waiting.mux, **LATE):
        info = await work.enqueue("async", unique=600)
        await waiting.runs(work)
        await tasks.cancel(info.id, then="drop")
        await work.until(info, None)

    assert work.redis.keys("asynq:{default}:unique:*") == []


async def test_a_task_becomes_what_was_asked_for_although_its_handler_ignores_the_cancellation(
    work, tasks
):
    mux, release, started = ServeMux(), threading.Event(), threading.Event()

    @mux.handler("stubborn")
    def stubborn(ctx, task):
        started.set()
        release.wait(20)

    async with work.serving(mux, retry_delay=retry.fixed(3600)):
        await eventually_async(lambda: work.redis.pubsub_numsub(CHANNEL)[0][1] == 1)
        info = await work.enqueue("stubborn")
        await eventually_async(started.is_set)
        await tasks.cancel(info.id, then="archive")
        await work.until(info, "archived")
        release.set()

    assert work.message(info).error_msg == "context canceled"


async def test_what_the_canceller_asked_for_wins_over_what_the_handler_raises(work, tasks):
    waiting = Waiting(at_end=RetryLater(3600))

    async with work.serving(waiting.mux, **LATE):
        archived, deferred = await work.enqueue("async"), await work.enqueue("async")
        await waiting.runs(work, 2)
        await tasks.cancel(archived.id, then="archive")
        await tasks.cancel(deferred.id)
        await work.until(archived, "archived")
        await work.until(deferred, "retry")

    assert work.message(archived).error_msg == "context canceled"
    assert (work.message(deferred).retried, field(work, deferred, "deferred")) == (0, b"1")


async def test_a_request_lives_as_long_as_the_attempt(work, tasks):
    mux, attempts, goes_on = ServeMux(), [], asyncio.Event()

    @mux.handler("email")
    async def handle(ctx, task):
        attempts.append(ctx.attempt)
        if ctx.attempt == 1:
            await goes_on.wait()
            raise ValueError("failed by itself")
        await asyncio.Event().wait()

    info = await work.enqueue("email", max_retry=1)
    async with work.serving(mux, retry_delay=retry.fixed(0), cancel_grace=20):
        await eventually_async(lambda: work.redis.pubsub_numsub(CHANNEL)[0][1] == 1)
        await eventually_async(lambda: attempts == [1])
        # Like an announcement that is lost on its way to the server.
        work.redis.hset(f"asynq:{{default}}:t:{info.id}", "on_cancel", "drop")
        goes_on.set()
        await eventually_async(lambda: attempts == [1, 2])
        assert field(work, info) is None
        work.redis.publish(CHANNEL, info.id)
        await work.until(info, "archived")


async def test_a_request_that_a_go_server_left_behind_is_gone_with_the_next_dequeue(work):
    waiting = Waiting()
    info = await work.enqueue("async", max_retry=1)
    work.redis.hset(f"asynq:{{default}}:t:{info.id}", "on_cancel", "drop")

    async with work.serving(waiting.mux, **LATE):
        await waiting.runs(work)
        assert field(work, info) is None
        work.redis.publish(CHANNEL, info.id)
        await work.until(info, "retry")


async def test_the_last_request_counts(work, tasks):
    waiting = Waiting()

    async with work.serving(waiting.mux, **LATE):
        info = await work.enqueue("async")
        await waiting.runs(work)
        work.redis.hset(f"asynq:{{default}}:t:{info.id}", "on_cancel", "drop")
        await tasks.cancel(info.id)
        await work.until(info, "retry")


async def test_an_unknown_request_is_ignored(work):
    waiting = Waiting()

    async with work.serving(waiting.mux, **LATE):
        info = await work.enqueue("async")
        await waiting.runs(work)
        work.redis.hset(f"asynq:{{default}}:t:{info.id}", "on_cancel", b"\xff explode")
        work.redis.publish(CHANNEL, info.id)
        await work.until(info, "retry")

    assert field(work, info) is None


async def test_a_request_is_for_the_task_of_one_queue(work, tasks):
    waiting = Waiting()

    async with work.serving(waiting.mux, queues={"default": 1, "low": 1}, **LATE):
        ours = await work.enqueue("async", task_id="same")
        other = await work.enqueue("async", task_id="same", queue="low")
        await waiting.runs(work, 2)
        await tasks.cancel("same", then="drop", queue="low")
        await work.until(other, None)
        await work.until(ours, "retry")


@pytest.mark.parametrize("then", ["retry", "archive", "drop"])
async def test_cancelling_a_task_that_does_not_run_stores_nothing(work, tasks, then):
    info = await work.enqueue("async")
    before = work.redis.hgetall(f"asynq:{{default}}:t:{info.id}")
    work.redis.sadd("asynq:queues", "", b"\xff")  # no names, so no queues
    work.redis.set(f"asynq:{{low}}:t:{info.id}", "no hash")
    work.redis.sadd("asynq:queues", "low")

    assert await tasks.cancel(info.id, then=then) == 0

    assert work.redis.hgetall(f"asynq:{{default}}:t:{info.id}") == before
    assert work.redis.exists("asynq:{default}:t:unknown") == 0


async def test_a_request_whose_answer_is_lost_is_read_again(work, tasks, redis_server):
    waiting = Waiting()
    with ChaosProxy(redis_server.port) as proxy:
        behind = Workplace(proxy.url, work.client, work.redis)
        async with behind.serving(waiting.mux, lease_duration=30, **LATE):
            info = await work.enqueue("async")
            await waiting.runs(work)
            proxy.cut_after = b"on_cancel"
            await tasks.cancel(info.id, then="archive")
            await work.until(info, "archived")

    assert proxy.cuts == 1


async def test_a_shutdown_grants_the_request_for_a_handler_that_does_not_end(work, tasks):
    waiting, release, contexts = Waiting(), threading.Event(), []

    @waiting.mux.handler("stubborn")
    def stubborn(ctx, task):
        waiting.running.append(ctx.task_id)
        contexts.append(ctx)
        release.wait(20)

    async with work.serving(waiting.mux, shutdown_timeout=0.05, cancel_grace=600):
        info = await work.enqueue("stubborn")
        await waiting.runs(work)
        await tasks.cancel(info.id, then="drop")
        await eventually_async(lambda: contexts[0].is_cancelled)

    release.set()
    assert work.state(info) is None
