"""`Scheduler.health`, and that of a worker with a scheduler beside it."""

from datetime import timedelta

import pytest

from pyasynq.app import App
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.task import Task
from tests.support.eventually import eventually_async


def told(health):
    (check,) = [each for each in health.checks if each.name == "scheduler"]
    return check.ok, check.detail


async def test_a_scheduler_is_well_between_its_start_and_its_stop(redis_url):
    first, second = Scheduler(redis_url), Scheduler(redis_url)
    before = told(first.health())

    async with first.running(), second.running():
        leader, follower = told(first.health()), told(second.health())
        first.shutdown()
        stopping = told(first.health())
    after = told(first.health())

    assert before == (False, "the scheduler has not started")
    assert leader == follower == (True, "")
    assert stopping == after == (False, "the scheduler shuts down")


@pytest.mark.slow
async def test_a_scheduler_without_redis_is_not_well_until_it_is_back(own_redis):
    scheduler = Scheduler(own_redis.url)
    scheduler.register("@every 1s", Task("report"))

    async with scheduler.running():
        own_redis.kill()
        await eventually_async(lambda: not scheduler.health().is_ready)
        away = told(scheduler.health())
        own_redis.start()
        await eventually_async(lambda: scheduler.health().is_ready)

    assert away == (False, "the scheduler waits for redis; its log tells why")


async def test_a_worker_is_ready_when_its_scheduler_is(redis_url):
    app = App(redis_url)

    @app.periodic(timedelta(hours=1))
    async def report() -> None:
        pass

    worker = app.worker()
    async with worker.running():
        both = worker.health()
        worker.scheduler.shutdown()
        one = worker.health()
        server_alone = worker.server.health()
    alone = app.worker(scheduler=False).health()
    await app.aclose()

    assert both.is_ready
    assert both.checks[-1].name == "scheduler"
    assert one.why_not_ready == "the scheduler shuts down"
    assert server_alone.is_ready
    assert "scheduler" not in {each.name for each in alone.checks}
