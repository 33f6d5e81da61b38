"""Of many lines of one kind, those of a second become one."""

import asyncio

from pyasynq.clock import SystemClock
from pyasynq.worker.floods import Floods


class SteadyClock(SystemClock):
    """A clock that stands still."""

    def monotonic(self):
        return 7.5


async def test_what_is_too_much_for_a_second_is_summed_up_once():
    floods = Floods(SteadyClock(), lines_per_s=2)
    summed_up = asyncio.get_running_loop().create_future()

    flooded = [floods.is_flooded("a", summed_up.set_result, count=10) for _ in range(5)]

    assert flooded == [False, False, True, True, True]
    assert await summed_up == 30


async def test_kinds_are_counted_one_by_one():
    floods = Floods(SteadyClock(), lines_per_s=1)

    assert [floods.is_flooded(kind, lambda _count: None) for kind in "aba"] == [False, False, True]
