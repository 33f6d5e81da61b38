"""The progress of running tasks: what is written, when, and what is left out."""

import asyncio
import threading

import pytest

from pyasynq.errors import PyasynqError
from pyasynq.wire.progress import ProgressRecord
from pyasynq.worker.handlers import progress
from pyasynq.worker.handlers.progress import ProgressWriter
from tests.support.builders import make_running


class Store:
    """Takes what is written, and lets a test wait for it."""

    def __init__(self):
        self.written = []
        self.error = None
        self._has_more = asyncio.Condition()

    async def write(self, running, record):
        self.written.append(record.done)
        async with self._has_more:
            self._has_more.notify_all()
        if self.error is not None:
            raise self.error

    async def until(self, count):
        async with asyncio.timeout(20), self._has_more:
            await self._has_more.wait_for(lambda: len(self.written) >= count)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
async def writer(store, monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL_S", 0.02)
    return ProgressWriter(asyncio.get_running_loop(), {}, store.write)


def report(writer, running, *numbers):
    for number in numbers:
        writer.report(running, ProgressRecord(done=number))


async def test_reports_of_one_moment_are_one_write_of_the_last(writer, store):
    report(writer, make_running(), 1, 2, 3)

    await store.until(1)

    assert store.written == [3]


async def test_what_comes_after_a_write_waits_for_the_next_one(writer, store):
    running = make_running()
    report(writer, running, 1)
    await store.until(1)
    report(writer, running, 2, 3, 4)
    before = list(store.written)

    await store.until(2)

    assert (before, store.written) == ([1], [1, 4])


async def test_nothing_new_is_nothing_written(writer, store):
    one, other = make_running("a"), make_running("b")
    report(writer, one, 1)
    await store.until(1)
    for number in (7, 8, 9):
        report(writer, other, number)
        await store.until(number - 5)

    assert store.written == [1, 7, 8, 9]


async def test_tasks_do_not_wait_for_each_other(writer, store):
    report(writer, make_running("a"), 1)
    report(writer, make_running("b"), 2)

    await store.until(2)

    assert store.written == [1, 2]


async def test_every_thread_may_report(writer, store):
    running = make_running()

    def work():
        report(writer, running, *range(1, 1_001))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        await asyncio.to_thread(each.join)
    async with asyncio.timeout(20):
        while store.written[-1:] != [1_000]:
            await store.until(len(store.written) + 1)

    assert store.written[-1] == 1_000


async def test_what_could_not_be_written_is_written_with_the_next_one(writer, store):
    running = make_running()
    store.error = PyasynqError("no rights")
    report(writer, running, 1)
    await store.until(1)
    store.error = None

    await store.until(2)

    assert store.written == [1, 1]


async def test_a_task_that_is_settled_is_left_to_whoever_settles_it(store):
    reports = {}
    writer = ProgressWriter(asyncio.get_running_loop(), reports, store.write)
    running, late = make_running("a"), make_running("b")
    report(writer, running, 1)
    running.is_settled = late.is_settled = True
    report(writer, late, 5)
    report(writer, make_running("c"), 9)

    await store.until(1)

    assert store.written == [9]
    assert reports[running].unwritten == ProgressRecord(done=1)
    assert late not in reports


def test_a_report_after_the_end_of_the_loop_is_ignored(store_of_a_closed_loop):
    writer = store_of_a_closed_loop

    report(writer, make_running(), 1)


@pytest.fixture
def store_of_a_closed_loop():
    loop = asyncio.new_event_loop()
    loop.close()

    async def write(running, record): ...

    return ProgressWriter(loop, {}, write)
