"""What a worker costs for each task that it runs: commands on the wire, and garbage left behind."""

import asyncio
import gc

import pytest

from pyasynq.broker.scripts import load
from pyasynq.client import Client
from pyasynq.task import Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.commands import Commands
from tests.support.counting_proxy import Count, CountingProxy
from tests.support.eventually import eventually_async
from tests.support.waiting import announced

TASKS = 2000


def counting_mux(tasks: int) -> tuple[ServeMux, asyncio.Event]:
    mux, finished, left = ServeMux(), asyncio.Event(), iter(range(tasks - 1, -1, -1))

    @mux.handler("noop")
    async def noop(_ctx, _task):
        if next(left) == 0:
            finished.set()

    return mux, finished


@pytest.mark.parametrize(
    ("concurrency", "most_commands", "most_round_trips"), [(10, 0.25, 0.22), (100, 0.08, 0.08)]
)
async def test_commands_and_round_trips_are_shared_by_the_tasks_of_a_batch(
    redis_server, redis_client, concurrency, most_commands, most_round_trips
):
    with Client(redis_server.url) as client:
        client.enqueue_many([Task("noop", b"{}")] * TASKS)
    mux, finished = counting_mux(TASKS)
    with CountingProxy(redis_server.port) as proxy:
        async with Server(proxy.url, ServerConfig(concurrency=concurrency)).running(mux):
            proxy.count = Count()
            await finished.wait()
            await eventually_async(lambda: not redis_client.llen("asynq:{default}:active"))
            count = proxy.count

    assert count.commands / TASKS <= most_commands
    assert count.round_trips / TASKS <= most_round_trips


async def test_a_lone_task_starts_before_its_worker_fetches_again(redis_server, redis_client):
    fetch, fetches = load("dequeue_many").digest, list[int]()
    mux, finished = ServeMux(), asyncio.Event()

    @mux.handler("noop")
    async def noop(_ctx, _task):
        fetches.append(sum(fetch in text for text in commands.texts()))
        finished.set()

    with Client(redis_server.url) as client, Commands(redis_server) as commands:
        async with Server(redis_server.url).running(mux):
            await eventually_async(lambda: announced(redis_client))
            commands.texts()
            client.enqueue(Task("noop", b"{}"))
            await finished.wait()

    assert fetches == [1]


async def test_the_next_fetch_leaves_before_the_outcome_of_a_handler_that_does_not_wait(
    redis_server, redis_client
):
    scripts = {"fetch": load("dequeue_many"), "outcome": load("done_many")}
    for script in scripts.values():
        redis_client.script_load(script.source)
    mux, _finished = counting_mux(1)
    order: list[str] = []

    def is_written() -> bool:
        for text in commands.texts():
            order.extend(name for name, script in scripts.items() if script.digest in text)
        return "outcome" in order

    with Client(redis_server.url) as client:
        async with Server(redis_server.url).running(mux):
            await eventually_async(lambda: announced(redis_client))
            with Commands(redis_server) as commands:
                client.enqueue(Task("noop", b"{}"))
                await eventually_async(is_written)

    assert order[:3] == ["fetch", "fetch", "outcome"]


async def test_a_task_leaves_no_cycle_for_the_garbage_collector(redis_server, redis_client):
    with Client(redis_server.url) as client:
        client.enqueue_many([Task("noop", b"{}")] * TASKS)
    mux, finished = counting_mux(TASKS)
    gc.collect()
    gc.disable()
    try:
        async with Server(redis_server.url, ServerConfig(concurrency=100)).running(mux):
            await finished.wait()
            await eventually_async(lambda: not redis_client.llen("asynq:{default}:active"))
            found = gc.collect()
    finally:
        gc.enable()

    assert found < TASKS / 2
