"""Which events stand for what became of a task."""

from typing import get_args

import pytest

from pyasynq.events.event import TASK_EVENTS
from pyasynq.worker.attempt.outcome import (
    DROPPED,
    FINISHED,
    LOST,
    REQUEUED,
    Archived,
    Cancelled,
    Completed,
    Outcome,
    Retried,
)
from pyasynq.worker.notify.notifier import names_of

OUTCOMES = {
    FINISHED: ("succeeded",),
    Completed(b"", 0, None): ("succeeded",),
    DROPPED: ("dropped",),
    Archived(b"", "bad"): ("failed", "archived"),
    Retried(b"", 0, is_failure=True, deferred=0): ("failed", "retried"),
    Retried(b"", 0, is_failure=False, deferred=0): ("retried",),
    Retried(b"", 0, is_failure=False, deferred=1): ("deferred",),
    REQUEUED: ("requeued",),
    LOST: ("lost",),
}


@pytest.mark.parametrize(("outcome", "names"), OUTCOMES.items())
def test_an_outcome_has_its_events(outcome, names):
    assert names_of(outcome) == names


def test_every_outcome_that_is_written_has_an_event():
    assert set(get_args(Outcome)) - {Cancelled} <= {type(outcome) for outcome in OUTCOMES}


def test_every_event_but_those_of_no_outcome_has_an_outcome():
    assert {name for names in OUTCOMES.values() for name in names} == set(TASK_EVENTS) - {
        "started",
        "recovered",
    }
