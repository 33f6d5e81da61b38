"""Of many lines of one kind, those of a second become one."""

import asyncio
from contextvars import ContextVar

from pyasynq.clock import SystemClock
from pyasynq.worker.floods import Floods


class SteadyClock(SystemClock):
    """A clock that stands still."""

    def monotonic(self):
        return 7.5


async def test_what_is_too_much_for_a_second_is_summed_up_once_and_outside_of_the_tasks():
    floods, task_id = Floods(SteadyClock(), lines_per_s=2), ContextVar("task_id", default="none")
    summed_up = asyncio.get_running_loop().create_future()
    task_id.set("t1")

    def sum_up(count):
        summed_up.set_result((count, task_id.get()))

    flooded = [floods.is_flooded("a", sum_up, count=10) for _ in range(5)]

    assert flooded == [False, False, True, True, True]
    assert await summed_up == (30, "none")


async def test_kinds_are_counted_one_by_one():
    floods = Floods(SteadyClock(), lines_per_s=1)

    assert [floods.is_flooded(kind, lambda _count: None) for kind in "aba"] == [False, False, True]
