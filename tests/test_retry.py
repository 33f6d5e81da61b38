"""Delays before the next attempt."""

from datetime import timedelta

import pytest

from pyasynq import retry
from pyasynq.errors import ConfigError
from pyasynq.task import Task
from tests.support.golden_data import load

TASK = Task("email:welcome")
ERROR = ValueError("bad")
DELAYS = load("retry_delay")["delays"]


def test_every_recorded_delay_is_replayed():
    assert len(DELAYS) == 31


@pytest.mark.parametrize("case", DELAYS, ids=lambda case: f"retried {case['n']}")
def test_the_default_delay_is_one_of_those_of_go(case):
    allowed = range(case["min_seconds"], case["max_seconds"] + 1, case["step_seconds"])

    drawn = {int(retry.asynq_default(case["n"], ERROR, TASK).total_seconds()) for _ in range(1000)}

    assert drawn <= set(allowed)
    assert len(drawn) == case["distinct_values"]


def test_a_fixed_delay_never_changes():
    delay = retry.fixed(1.5)

    assert [delay(n, ERROR, TASK) for n in (0, 7)] == [timedelta(seconds=1.5)] * 2


def test_an_exponential_delay_grows_up_to_its_maximum():
    delay = retry.exponential(1, factor=3, maximum=20, jitter=0)

    assert [delay(n, ERROR, TASK).total_seconds() for n in (0, 1, 2, 3, 5000)] == [1, 3, 9, 20, 20]


def test_jitter_stays_within_its_share():
    delay = retry.exponential(100, jitter=0.1)

    drawn = [delay(0, ERROR, TASK).total_seconds() for _ in range(200)]

    assert 90 <= min(drawn) < max(drawn) <= 110


def test_a_schedule_ends_with_its_last_delay_for_ever():
    delay = retry.schedule([1, timedelta(minutes=1)])

    assert [delay(n, ERROR, TASK).total_seconds() for n in (0, 1, 2, 99)] == [1, 60, 60, 60]


@pytest.mark.parametrize(
    "make",
    [
        lambda: retry.fixed(-1),
        lambda: retry.fixed("5"),
        lambda: retry.fixed(float("nan")),
        lambda: retry.exponential(1, factor=0.5),
        lambda: retry.exponential(1, jitter=2),
        lambda: retry.exponential(float("inf")),
        lambda: retry.schedule([]),
        lambda: retry.schedule([1, -1]),
    ],
)
def test_wrong_arguments_are_refused_at_once(make):
    with pytest.raises(ConfigError):
        make()
