"""How much of the time of a shutdown is left."""

import asyncio
import math

import pytest

from pyasynq.lifecycle.shutdown import HURRIED_WRITES_S, REST_S, ShutdownBudget


async def test_the_time_is_unlimited_before_the_stop_begins():
    budget = ShutdownBudget(handlers_s=8, writes_s=5)

    assert (budget.handlers_s, budget.writes_s, budget.all_s) == (math.inf,) * 3


async def test_handlers_writes_and_the_rest_follow_each_other():
    budget = ShutdownBudget(handlers_s=800, writes_s=500)

    budget.begin()

    left = (budget.handlers_s, budget.writes_s, budget.all_s)
    assert left == pytest.approx((800, 1300, 1300 + REST_S), abs=60)


@pytest.mark.parametrize("is_early", [True, False])
async def test_a_hurry_leaves_handlers_nothing_and_the_others_a_moment(is_early):
    budget = ShutdownBudget(handlers_s=800, writes_s=500)

    for step in (
        (budget.hurry, budget.begin)
        if is_early
        else (
            budget.begin,
            budget.hurry,
        )
    ):
        step()

    assert budget.handlers_s == 0
    assert 0 < budget.writes_s <= HURRIED_WRITES_S
    assert budget.writes_s < budget.all_s < 2 * HURRIED_WRITES_S


async def test_a_hurry_ends_a_wait():
    budget = ShutdownBudget(handlers_s=800, writes_s=500)
    budget.begin()
    never = asyncio.get_running_loop().create_future()

    waiting = asyncio.create_task(budget.wait([never], lambda: budget.handlers_s))
    await asyncio.sleep(0)
    budget.hurry()

    assert await waiting == {never}


async def test_a_wait_ends_when_all_have_ended():
    ended = asyncio.get_running_loop().create_future()
    ended.set_result(None)

    assert await ShutdownBudget().wait([ended], lambda: math.inf) == set()
