"""Times as users see them."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyasynq.clock import NANOSECONDS, SystemClock, steady_ns, to_datetime, to_ns, to_span
from tests.support.clocks import HOUR_S, WrongClock

LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_a_time_is_converted_to_the_microsecond_and_back():
    moment = datetime(2033, 5, 18, 3, 33, 20, 123_456, tzinfo=UTC)

    assert to_datetime(2_000_000_000_123_456_789) == moment
    assert to_ns(moment) == 2_000_000_000_123_456_000


@pytest.mark.parametrize("year", [1970, 2026, 2105, 2106, 2255, 9998])
def test_every_microsecond_is_converted_exactly_near_and_far(year):
    first = datetime(year, 12, 31, 23, 59, 59, 999_900, tzinfo=UTC)
    moments = [first + timedelta(microseconds=more) for more in range(200)]

    assert [to_datetime(to_ns(moment) + 999) for moment in moments] == moments


@pytest.mark.parametrize(
    ("seconds", "moment"),
    [
        (1 << 40, LATEST),
        ((1 << 63) - 1, LATEST),
        (253_402_300_799, LATEST),
        (-62_135_596_800, datetime(1, 1, 1, tzinfo=UTC)),
        (-(1 << 63), datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_that_no_datetime_can_hold_becomes_the_nearest(seconds, moment):
    assert to_datetime(seconds * NANOSECONDS) == moment


@pytest.mark.parametrize(
    ("seconds", "span"),
    [
        (90, timedelta(minutes=1, seconds=30)),
        ((1 << 63) - 1, timedelta(days=999_999_999)),
        (-(1 << 63), timedelta(days=-999_999_999)),
        (1e30, timedelta(days=999_999_999)),
    ],
)
def test_a_span_that_no_timedelta_can_hold_becomes_the_longest(seconds, span):
    assert to_span(seconds) == span


STEADY_NS = 2_000_000_000_000_000_000


def observe(clock: SystemClock, offset_ns: int, *, there_ns: int, back_ns: int) -> bool:
    """Take a sample of a Redis that is *offset_ns* ahead of the steady clock, over such a road."""
    return clock.observe(
        sent_ns=STEADY_NS,
        received_ns=STEADY_NS + there_ns + back_ns,
        redis_ns=(STEADY_NS + there_ns + offset_ns) // 1000 * 1000,
    )


@pytest.mark.parametrize(("there_ns", "back_ns"), [(9_000_000, 0), (0, 9_000_000), (500, 100)])
def test_clocks_that_agree_stay_so_however_uneven_the_road_is(there_ns, back_ns):
    clock = SystemClock()
    agreement_ns = clock.now_ns() - steady_ns()

    assert observe(clock, agreement_ns, there_ns=there_ns, back_ns=back_ns)

    assert abs(clock.redis_now_ns() - clock.now_ns()) < 2_000_000


def test_the_time_of_redis_is_the_local_one_before_the_first_sample():
    clock = WrongClock(HOUR_S)

    assert abs(clock.redis_now_ns() - clock.now_ns()) < NANOSECONDS


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S])
def test_a_time_that_somebody_sets_does_not_move_that_of_redis(jump_s):
    clock = WrongClock()
    now_ns = clock.now_ns()
    clock.observe(sent_ns=steady_ns(), received_ns=steady_ns(), redis_ns=now_ns)
    clock.jump(jump_s)

    assert abs(clock.redis_now_ns() - now_ns) < 10 * NANOSECONDS


def test_the_steady_clock_is_the_same_in_every_process():
    program = "from pyasynq.clock import steady_ns; print(steady_ns())"
    before = steady_ns()
    other = int(subprocess.check_output([sys.executable, "-c", program]))

    assert before < other < steady_ns()


@given(
    offset_ns=st.integers(-(10**18), 10**18),
    roads=st.lists(st.tuples(*[st.integers(0, 90_000_000)] * 2), min_size=1, max_size=10),
)
def test_the_estimate_is_never_worse_than_the_best_sample_so_far(offset_ns, roads):
    clock, best_ns = SystemClock(), 10**9
    for there_ns, back_ns in roads:
        observe(clock, offset_ns, there_ns=there_ns, back_ns=back_ns)
        best_ns = min(best_ns, there_ns + back_ns)

        assert clock.offset_ns is not None
        assert abs(clock.offset_ns - offset_ns) <= best_ns + 1000


def test_a_sample_that_took_too_long_does_not_count():
    clock = SystemClock()

    assert not observe(clock, 10**9, there_ns=150_000_000, back_ns=60_000_000)
    assert clock.offset_ns is None


def test_a_replaced_time_does_not_part_the_two_times_of_a_clock(monkeypatch):
    """Patch the time like a library that freezes it in the tests of a user."""
    clock = SystemClock()
    before_ns = clock.now_ns()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    observe_now = clock.observe(sent_ns=steady_ns(), received_ns=steady_ns(), redis_ns=before_ns)

    assert observe_now
    assert before_ns <= clock.redis_now_ns() <= clock.now_ns()
