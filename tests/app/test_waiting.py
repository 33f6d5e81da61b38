"""Waiting for a result: how long, how often, and what ends it."""

from datetime import timedelta

import pytest

from pyasynq.app.waiting import Waiting
from pyasynq.clock import FakeClock
from pyasynq.errors import ResultTimeoutError, TaskFailedError
from pyasynq.task import TaskInfo, TaskState


class StillClock(FakeClock):
    """Its monotonic time moves only by `advance`, too."""

    def monotonic(self) -> float:
        return self._moved_s


def info(state: TaskState) -> TaskInfo:
    return TaskInfo(
        id="a",
        queue="mail",
        type="email",
        payload=b"",
        headers={},
        state=state,
        max_retry=0,
        last_error="broken",
        retention=timedelta(minutes=1),
    )


def test_waits_grow_by_half_from_a_hundredth_to_half_a_second():
    waiting = Waiting("a", None, StillClock())

    waits = [waiting.next_s() for _ in range(20)]

    assert waits[:4] == pytest.approx([0.01, 0.015, 0.0225, 0.03375])
    assert waits[-1] == 0.5


def test_no_wait_goes_beyond_the_timeout():
    clock = StillClock()
    waiting = Waiting("a", 0.02, clock)

    clock.advance(0.015)

    assert waiting.next_s() == pytest.approx(0.005)


def test_the_timeout_is_that_of_the_clock_it_is_given():
    clock = StillClock()
    waiting = Waiting("a", 60, clock)
    assert not waiting.is_over(info(TaskState.PENDING))

    clock.advance(60)

    with pytest.raises(ResultTimeoutError, match="'a' is still pending after 60 s"):
        waiting.is_over(info(TaskState.PENDING))


def test_a_task_that_is_done_counts_even_after_the_timeout():
    clock = StillClock()
    waiting = Waiting("a", 60, clock)

    clock.advance(61)

    assert waiting.is_over(info(TaskState.COMPLETED))
    with pytest.raises(TaskFailedError, match="broken"):
        waiting.is_over(info(TaskState.ARCHIVED))
