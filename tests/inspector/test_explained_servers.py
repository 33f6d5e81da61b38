"""Explanations of tasks beside real servers: what they publish is what is told."""

import asyncio

import pytest

from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async

QUEUES = {"default": 2, "low": 1}


class Held:
    """A mux whose "email" runs until it is released."""

    def __init__(self):
        self.mux = ServeMux()
        self.release = asyncio.Event()
        self.mux.add("email", self.handle, is_exact=True)

    async def handle(self, ctx, task):
        await self.release.wait()


@pytest.fixture
async def inspector(work):
    async with AsyncInspector(work.url) as inspector:
        yield inspector


async def explained(inspector, info):
    return await inspector.tasks.explain(info.queue, info.id)


def codes(found):
    return [each.code for each in found]


async def test_what_keeps_tasks_from_the_only_slot_is_told(work, inspector):
    held = Held()
    calm = {"lease_duration": 30, "heartbeat_interval": 1}  # it is shown on a busy machine, too
    one_slot = {"concurrency": 1, "queues": QUEUES, "strict_priority": True}
    async with work.serving(held.mux, **one_slot, **calm) as server:
        running = await work.enqueue("email")
        await eventually_async(lambda: work.redis.keys("asynq:workers:*"))
        waiting = await work.enqueue("email")
        low = await work.enqueue("emails", queue="low")
        other = await work.enqueue("email", queue="other")

        found = {
            "running": await explained(inspector, running),
            "waiting": await explained(inspector, waiting),
            "low": await explained(inspector, low),
            "other": await explained(inspector, other),
        }
        held.release.set()
        await work.until_written(server, low, "retry")
        retried = await explained(inspector, low)

    assert {name: codes(each) for name, each in found.items()} == {
        "running": ["running"],
        "waiting": ["slots_taken"],
        "low": ["no_handler", "slots_taken", "higher_queue_busy"],
        "other": ["no_server"],
    }
    assert found["running"][0].evidence["server_id"] == server.id
    assert found["waiting"][0].evidence["longest_running"][0]["task_id"] == running.id
    assert found["low"][0].evidence["types"] == ["email"]
    assert found["low"][2].evidence["pending"] == {"default": 1}
    assert codes(retried) == ["no_handler", "not_due", "last_error"]


async def test_a_group_is_told_with_the_limits_of_its_aggregator(work, inspector):
    mux = ServeMux()
    mux.aggregator("daily:*", max_size=9, max_delay=3600)(lambda group, tasks: None)

    async with work.serving(mux, group_grace_period=600):
        found = await explained(inspector, await work.enqueue("email", group="daily:ann"))
        nobody = await explained(inspector, await work.enqueue("email", group="hourly"))

    assert codes(found) == ["group_waits"]
    evidence = found[0].evidence
    assert (evidence["max_size"], evidence["max_delay"].total_seconds()) == (9, 3600)
    assert evidence["grace_period"].total_seconds() == 600
    assert codes(nobody) == ["nobody_aggregates"]
    assert nobody[0].evidence["patterns"] == ["daily:*"]


async def test_a_task_of_a_worker_that_is_gone_is_told(work, inspector):
    info = await work.enqueue("email")
    work.abandon(info)

    found = await explained(inspector, info)

    assert codes(found) == ["no_server", "orphaned"]
