"""What a scheduler counts of its ticks, and how late they are."""

from datetime import UTC, datetime

import pytest

from pyasynq.app.app import App
from pyasynq.clock import FakeClock
from pyasynq.measurements.scheduler_metrics import SCHEDULER_METRICS
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler import measures
from pyasynq.scheduler.entry import make_entry
from pyasynq.scheduler.hooks import Hooks
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.measures import TickMeasures
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.scheduler.ticker import Ticker
from pyasynq.task import Task
from tests.support.builders import make_scheduler_resources
from tests.support.eventually import eventually_async

NINE = datetime(2025, 1, 6, 9, tzinfo=UTC)
METRICS = {each.name: each for each in SCHEDULER_METRICS}


def values(readings):
    return {(each.metric, *each.labels): each.value for each in readings}


async def test_ticks_are_counted_by_entry_and_by_what_came_of_them(redis_url):
    clock = FakeClock(NINE)
    task, once = Task("report", b"{}"), EnqueueOptions(unique=3600)
    fine = make_entry("shop", "@every 1m", task, EnqueueOptions(), key="fine")
    twice = make_entry("shop", "@every 1m", task, once, key="twice")
    resources = make_scheduler_resources(
        redis_url, clock, {each.id: each for each in (fine, twice)}
    )
    ticker = Ticker(resources, Leadership(resources), Hooks())
    await ticker.fire_due()

    for late_s in (61, 62):
        clock.advance(late_s)
        await ticker.fire_due()
    await resources.runner.close()

    found = values(resources.measures.readings("shop"))
    ticks = "pyasynq_scheduler_ticks_total", "shop"
    assert found[*ticks, fine.id, "enqueued"] == 2
    assert found[*ticks, twice.id, "enqueued"] == 1
    assert found[*ticks, twice.id, "duplicate"] == 1
    lateness = found["pyasynq_scheduler_tick_lateness_seconds", "shop"]
    assert (sum(lateness.counts), round(lateness.total)) == (3, 1 + 1 + 3)
    assert all(len(METRICS[name].labels) == len(labels) for name, *labels in found)


async def test_a_scheduler_tells_its_entries_and_whether_it_leads(redis_url):
    scheduler = Scheduler(redis_url, name="shop")
    scheduler.register("@daily", Task("report", b""))
    async with scheduler.running():
        leads = "pyasynq_scheduler_leads", "shop"
        await eventually_async(lambda: values(scheduler.readings())[leads] == 1)

    assert values(scheduler.readings())[leads] == 0
    assert values(scheduler.readings())["pyasynq_scheduler_entries", "shop"] == 1


def test_a_scheduler_that_has_not_started_tells_its_entries():
    scheduler = Scheduler("redis://nowhere.invalid")
    scheduler.register("@daily", Task("report", b""))

    assert values(scheduler.readings())["pyasynq_scheduler_entries", "default"] == 1


def test_entries_beyond_a_limit_are_counted_together(monkeypatch):
    monkeypatch.setattr(measures, "MOST_ENTRIES", 2)
    counted = TickMeasures()

    for entry in ("a", "b", "c", "d", "a"):
        counted.add(entry, "enqueued")

    found = values(counted.readings("shop"))
    assert {key[2]: value for key, value in found.items() if len(key) > 2} == {
        "a": 2,
        "b": 1,
        "*": 2,
    }


@pytest.mark.parametrize("periodic", [False, True])
def test_the_worker_of_an_app_tells_what_both_of_its_parts_have_measured(periodic):
    app = App("redis://nowhere.invalid")

    @app.task
    def report() -> None: ...

    if periodic:
        app.periodic("@daily")(report)

    names = {each.metric for each in app.worker().readings()}
    assert "pyasynq_worker_ready" in names
    assert ("pyasynq_scheduler_leads" in names) == periodic
