"""Lines about ticks that make no task: few, and of use."""

from datetime import UTC, datetime

import pytest

from pyasynq.clock import FakeClock
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.entry import make_entry
from pyasynq.scheduler.tick_log import TickLog
from pyasynq.task import Task

ENTRY = make_entry("shop", "@daily", Task("report"), EnqueueOptions())


@pytest.fixture
def clock():
    return FakeClock(datetime(2025, 1, 6, 9, tzinfo=UTC))


@pytest.fixture
def log(clock, caplog):
    caplog.set_level("INFO")
    return TickLog(clock)


def test_a_reason_is_told_again_after_ten_minutes_and_another_one_at_once(log, clock, caplog):
    for reason, seconds in [("a", 0), ("a", 300), ("a", 301), ("b", 1), ("a", 1)]:
        clock.advance(seconds)
        log.passed(ENTRY, reason)

    assert [each[-1] for each in caplog.messages] == ["a", "a", "b", "a"]


def test_a_trouble_is_told_again_after_a_tick_has_made_a_task(log, caplog):
    for _ in range(2):
        log.failed(ENTRY, ValueError("oh"))
        log.failed(ENTRY, ValueError("oh"))
        log.stored(ENTRY)

    line = f"cannot enqueue the tick of report (@daily) (entry {ENTRY.id}): oh"
    assert caplog.messages == [line] * 2


def test_what_redis_says_cannot_forge_a_line(log, caplog):
    log.passed(ENTRY, "why:", "x\nERROR forged")

    assert "\n" not in caplog.messages[0]
