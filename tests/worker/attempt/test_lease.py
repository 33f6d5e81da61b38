"""When an attempt must have ended."""

from datetime import UTC, datetime

import pytest

from pyasynq.worker.attempt.running_task import deadline_ns
from tests.support.builders import make_message

NOW_NS = 2_000_000_000_250_000_000
LATEST_S = int(datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("fields", "wanted_ns"),
    [
        ({"timeout": 60}, 2_000_000_060_250_000_000),
        ({"deadline": 2_000_000_030}, 2_000_000_030_000_000_000),
        ({"timeout": 60, "deadline": 2_000_000_030}, 2_000_000_030_000_000_000),
        ({"timeout": 10, "deadline": 2_000_000_030}, 2_000_000_010_250_000_000),
        ({}, 2_000_001_800_250_000_000),
        ({"deadline": 1}, 1_000_000_000),
    ],
    ids=["timeout", "deadline", "the deadline first", "the timeout first", "neither", "long ago"],
)
def test_the_earlier_of_timeout_and_deadline_counts(fields, wanted_ns):
    assert deadline_ns(make_message(**fields), NOW_NS) == wanted_ns


@pytest.mark.parametrize("fields", [{"timeout": 2**62}, {"deadline": 2**62}])
def test_what_no_calendar_holds_is_the_last_moment_that_one_does(fields):
    assert deadline_ns(make_message(**fields), NOW_NS) // 1_000_000_000 == LATEST_S
