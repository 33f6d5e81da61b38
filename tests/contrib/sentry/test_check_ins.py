"""Periodic tasks as check-ins of monitors."""

from datetime import UTC, datetime

import pytest

from pyasynq import App, Inspector, retry, tracing
from pyasynq.clock import FakeClock
from pyasynq.contrib.sentry.check_ins import config_of, slug_of
from pyasynq.scheduler.hooks import Hooks
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.ticker import Ticker
from tests.support.builders import make_scheduler_resources
from tests.support.eventually import eventually_async
from tests.support.workplace import QUICK

office = App("redis://nowhere.invalid", name="office", retry_delay=retry.fixed(0), **QUICK)
failing: list[str] = []


@office.periodic("0 7 * * mon-fri", timezone="Asia/Shanghai", key="Report: mornings", max_retry=1)
async def report() -> None:
    if failing:
        raise ValueError(failing.pop(0))


@pytest.fixture
def run(redis_url):
    """Let the report be due once, and run it until it does not run again."""

    async def run(*failures):
        failing[:] = failures
        office.reconfigure(redis_url)
        (entry,) = office.periodic
        clock = FakeClock(datetime(2025, 1, 6, 22, 59, tzinfo=UTC))  # 6:59 in Shanghai
        told = make_scheduler_resources(
            redis_url, clock, {entry.id: entry}, tracing=tracing.chosen(None)
        )
        ticker = Ticker(told, Leadership(told), Hooks())
        await ticker.fire_due()
        clock.advance(60)
        assert await ticker.fire_due() == 1
        await told.runner.close()
        async with office.server().running(office.mux):
            with Inspector(redis_url) as inspector:
                await eventually_async(lambda: is_over(inspector.queues.info("default")))
        await office.aclose()

    return run


def is_over(queue):
    return queue.processed and queue.size == queue.archived


async def test_a_run_is_a_check_in_of_the_monitor_that_the_key_names(sentry, run):
    kept = sentry(monitor_periodic_tasks=True)

    await run()

    assert kept.check_ins == [("report-mornings", "in_progress"), ("report-mornings", "ok")]
    first, last = kept.items
    assert first["check_in_id"] == last["check_in_id"]
    assert first["monitor_config"] == {
        "schedule": {"type": "crontab", "value": "0 7 * * mon-fri"},
        "timezone": "Asia/Shanghai",
    }


@pytest.mark.parametrize(("failures", "status"), [(["once"], "ok"), (["once", "twice"], "error")])
async def test_retries_belong_to_the_check_in_of_the_first_attempt(sentry, run, failures, status):
    kept = sentry(monitor_periodic_tasks=True, report_failures="none")

    await run(*failures)

    assert [each for _, each in kept.check_ins] == ["in_progress", status]
    assert len({each["check_in_id"] for each in kept.items}) == 1


async def test_nothing_is_told_unless_it_is_asked_for(sentry, run):
    kept = sentry()

    await run()

    assert kept.items == []


@pytest.mark.parametrize(
    ("spec", "schedule"),
    [
        ("*/5 * * * *", {"type": "crontab", "value": "*/5 * * * *"}),
        ("CRON_TZ=Asia/Tokyo 0 6 * * *", {"type": "crontab", "value": "0 6 * * *"}),
        ("@daily", {"type": "crontab", "value": "0 0 * * *"}),
        ("@every 90m", {"type": "interval", "value": 90, "unit": "minute"}),
        ("@every 1h30m0s", {"type": "interval", "value": 90, "unit": "minute"}),
        ("@every 7200s", {"type": "interval", "value": 2, "unit": "hour"}),
        ("@every 48h", {"type": "interval", "value": 2, "unit": "day"}),
    ],
)
def test_a_schedule_is_written_as_sentry_reads_it(spec, schedule):
    assert config_of(spec, "UTC")["schedule"] == schedule


@pytest.mark.parametrize("spec", ["@every 90s", "@every 1.5h", "30 * * * * *"])
def test_a_schedule_that_sentry_does_not_know_is_not_monitored(spec):
    assert config_of(spec, "UTC") is None


def test_the_name_of_a_monitor_has_only_characters_that_sentry_allows():
    assert slug_of("Report: of_all " + "x" * 60, "5f0c2a1b-7d") == "report-of_all-" + "x" * 36


def test_names_that_it_cannot_have_do_not_become_one():
    assert slug_of("日报", "5f0c2a1b-7d") == "task-5f0c2a1b"
    assert slug_of("周报", "00c99a3e-11") == "task-00c99a3e"


def test_a_name_of_digits_alone_which_sentry_refuses_ends_with_the_id():
    assert slug_of("7", "5f0c2a1b-7d") == "7-5f0c2a1b"
