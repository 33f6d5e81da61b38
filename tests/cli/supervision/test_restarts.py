"""When a process that died is started again."""

import pytest

from pyasynq.cli.supervision.restarts import Restarts


class Middle:
    """A Random that is always in the middle."""

    def uniform(self, low, high):
        return (low + high) / 2


def make_restarts(**settings):
    return Restarts(random=Middle(), **settings)


def test_each_death_doubles_the_wait_up_to_the_longest():
    restarts = make_restarts(first_s=1, longest_s=30, well_s=60)

    waits = [restarts.delay_after(0.1) for _ in range(8)]

    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_the_death_of_a_process_that_ran_well_counts_as_a_first_one():
    restarts = make_restarts(first_s=1, longest_s=30, well_s=60)
    for _ in range(8):
        restarts.delay_after(59.9)

    assert [restarts.delay_after(60), restarts.delay_after(0)] == [1, 2]


def test_processes_that_died_together_do_not_come_back_together():
    waits = {Restarts(first_s=1).delay_after(0) for _ in range(20)}

    assert len(waits) > 1
    assert all(0.9 <= wait <= 1.1 for wait in waits)


@pytest.mark.parametrize("deaths", [10, 10_000])
def test_any_number_of_deaths_has_a_wait(deaths):
    restarts = make_restarts()

    assert [restarts.delay_after(0) for _ in range(deaths)][-1] == 30
