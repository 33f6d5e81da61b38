"""What remains of the time of a stop."""

import asyncio
import math

import pytest

from pyasynq.lifecycle.shutdown import HURRIED_WRITES_S, REST_S, StopTime


async def test_there_is_no_end_before_the_stop_begins():
    stop_time = StopTime(handlers_s=8, writes_s=5)

    assert (stop_time.handlers_s, stop_time.writes_s, stop_time.all_s) == (math.inf,) * 3


async def test_handlers_writes_and_the_rest_follow_each_other():
    stop_time = StopTime(handlers_s=800, writes_s=500)

    stop_time.begin()

    left = (stop_time.handlers_s, stop_time.writes_s, stop_time.all_s)
    assert left == pytest.approx((800, 1300, 1300 + REST_S), abs=60)


@pytest.mark.parametrize("is_early", [True, False])
async def test_a_hurry_leaves_handlers_nothing_and_the_others_a_moment(is_early):
    stop_time = StopTime(handlers_s=800, writes_s=500)

    for step in (
        (stop_time.hurry, stop_time.begin)
        if is_early
        else (
            stop_time.begin,
            stop_time.hurry,
        )
    ):
        step()

    assert stop_time.handlers_s == 0
    assert 0 < stop_time.writes_s <= HURRIED_WRITES_S
    assert stop_time.writes_s < stop_time.all_s < 2 * HURRIED_WRITES_S


async def test_a_hurry_ends_a_wait():
    stop_time = StopTime(handlers_s=800, writes_s=500)
    stop_time.begin()
    never = asyncio.get_running_loop().create_future()

    waiting = asyncio.create_task(stop_time.wait([never], lambda: stop_time.handlers_s))
    await asyncio.sleep(0)
    stop_time.hurry()

    assert await waiting == {never}


async def test_a_wait_ends_when_all_have_ended():
    ended = asyncio.get_running_loop().create_future()
    ended.set_result(None)

    assert await StopTime().wait([ended], lambda: math.inf) == set()
