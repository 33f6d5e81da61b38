"""Waiting awake: only where it pays, and less and less often where it does not."""

import asyncio
import os

import pytest

from pyasynq.lifecycle import busy_wait
from pyasynq.lifecycle.busy_wait import LONGEST_PENALTY, BusyWaits, LoopAwake
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.signals import flushed, idle


@pytest.fixture
def cores(monkeypatch, tmp_path):
    """Sets how many cores there are, and what the container allows."""

    def set_to(number, limit="max 100000\n"):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(number)))
        file = tmp_path / "cpu.max"
        file.write_text(limit)
        monkeypatch.setattr(busy_wait, "CPU_LIMIT", file)

    set_to(4)
    return set_to


def asleep_before_the_next(waits):
    count = 0
    while not waits.may_begin():
        count += 1
    return count


def test_each_wait_in_vain_doubles_how_many_are_not_tried(cores):
    waits, seen = BusyWaits(is_wanted=True), []
    for _ in range(14):
        seen.append(asleep_before_the_next(waits))
        waits.failed()

    assert seen[:5] == [0, 1, 3, 7, 15]
    assert seen[-2:] == [LONGEST_PENALTY, LONGEST_PENALTY]


def test_a_server_that_answers_in_time_again_is_waited_for_awake_again(cores):
    waits = BusyWaits(is_wanted=True)
    for _ in range(10):
        waits.failed()
    for _ in range(11):
        asleep_before_the_next(waits)
        waits.succeeded()

    assert all(waits.may_begin() for _ in range(100))


@pytest.mark.parametrize(
    ("wanted", "number", "limit"),
    [
        (False, 4, "max 100000\n"),
        (True, 1, "max 100000\n"),
        (True, 4, "150000 100000\n"),
        (True, 4, "50000 100000\n"),
    ],
)
def test_nobody_waits_awake_unasked_or_with_less_than_two_cores(cores, wanted, number, limit):
    cores(number, limit)

    assert not BusyWaits(is_wanted=wanted).may_begin()


@pytest.mark.parametrize("limit", ["max 100000\n", "200000 100000\n", "", "what is this"])
def test_a_limit_of_two_cores_or_none_lets_it_wait_awake(cores, limit):
    cores(4, limit)

    assert BusyWaits(is_wanted=True).may_begin()


async def test_a_loop_turns_until_the_answer_is_there(cores):
    awake = LoopAwake(asyncio.get_running_loop(), is_wanted=True, window_s=3600)
    awake.begin()
    for _ in range(100):
        await asyncio.sleep(0)
    is_on = awake._is_on
    awake.end()

    assert (is_on, awake._is_on) == (True, False)
    assert awake._waits.may_begin()


async def test_a_loop_that_has_waited_in_vain_sleeps_the_next_time(cores):
    awake = LoopAwake(asyncio.get_running_loop(), is_wanted=True, window_s=0)
    awake.begin()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert not awake._is_on
    assert not awake._waits.may_begin()
    awake.end()


async def test_a_worker_waits_awake_while_there_are_tasks_and_never_when_idle(work, monkeypatch):
    begun, mux, seen = [], ServeMux(), []

    def begin(awake):
        begun.append(awake)

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(task)

    monkeypatch.setattr(LoopAwake, "begin", begin)
    async with work.serving(mux, concurrency=1) as server:
        processor = server._parts.processor
        with idle(server).listening() as idles:
            for _ in range(3):  # woken again and again, but there is nothing to do
                processor._changed.set()
                await idles.get()
        while_idle = begun.count(processor._awake)
        for _ in range(20):
            await work.enqueue("email")
        await flushed(server).until(lambda: len(seen) == 20)
        while_busy = begun.count(processor._awake)

    assert while_idle == 0
    assert while_busy > 0
