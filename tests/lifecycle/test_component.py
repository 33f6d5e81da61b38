"""How components start, run and stop."""

import asyncio
import contextlib
import logging

import pytest

from pyasynq.errors import RedisUnavailableError
from pyasynq.lifecycle.component import ComponentCrashedError, every, running
from pyasynq.lifecycle.outage import Outage
from pyasynq.lifecycle.shutdown import ShutdownBudget


class Recorder:
    def __init__(self, name, log, *, crash=None):
        self.name = name
        self.log = log
        self.crash = crash

    async def run(self, life):
        self.log.append(f"start {self.name}")
        life.started()
        if self.crash is not None:
            await self.crash.wait()
            raise ValueError("broken")
        await life.stopping.wait()
        self.log.append(f"stop {self.name}")


async def test_components_stop_in_the_reverse_order_of_their_start():
    log = []

    async with running([Recorder("a", log), Recorder("b", log)]):
        log.append("work")

    assert log == ["start a", "start b", "work", "stop b", "stop a"]


async def test_components_stop_when_the_block_fails():
    log = []

    with pytest.raises(KeyError):
        async with running([Recorder("a", log)]):
            raise KeyError

    assert log == ["start a", "stop a"]


async def test_a_component_that_ends_by_itself_is_a_crash_with_its_cause():
    crash = asyncio.Event()

    async with running([Recorder("a", []), Recorder("b", [], crash=crash)]) as parts:
        crash.set()
        with pytest.raises(ComponentCrashedError, match="b ended by itself") as caught:
            await parts.crash()

    assert isinstance(caught.value.__cause__, ValueError)


async def test_a_component_that_cannot_start_stops_those_before_it():
    class Broken:
        name = "broken"

        async def run(self, life):
            raise ValueError("no start")

    log = []

    with pytest.raises(ValueError, match="no start"):
        async with running([Recorder("a", log), Broken()]):
            log.append("never")

    assert log == ["start a", "stop a"]


class Passes:
    """A component that acts at an interval, with a result for each pass."""

    name = "janitor"

    def __init__(self, *results, is_at_once=True):
        self.results = list(results)
        self.is_at_once = is_at_once
        self.is_over = asyncio.Event()

    async def act(self):
        result = self.results.pop(0) if self.results else None
        if not self.results:
            self.is_over.set()
        if isinstance(result, Exception):
            raise result

    async def run(self, life):
        await every(
            0.001, self.act, life, name=self.name, outage=Outage(), is_at_once=self.is_at_once
        )


async def test_a_pass_that_fails_is_logged_and_the_next_one_comes(caplog):
    passes = Passes(ValueError("bad"), None, None)

    async with running([passes]):
        await passes.is_over.wait()

    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_an_outage_is_one_line_when_it_begins_and_one_when_it_ends(caplog):
    caplog.set_level(logging.INFO)
    down = RedisUnavailableError("down")
    passes = Passes(None, down, down, down, None, None)

    async with running([passes]):
        await passes.is_over.wait()

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_stop_during_the_first_wait_prevents_every_run():
    passes = Passes(None, is_at_once=False)

    async with running([passes]):
        pass

    assert passes.results == [None]


class Silent:
    """A component that waits for an answer that never comes."""

    name = "silent"

    def __init__(self, log, *, is_stubborn=False, stops_within_s=0.0):
        self.log = log
        self.is_stubborn = is_stubborn
        self.stops_within_s = stops_within_s
        self.release = asyncio.Event()

    async def run(self, life):
        life.stops_within_s = self.stops_within_s
        life.started()
        try:
            await self.release.wait()
        finally:
            self.log.append("cancelled")
            while self.is_stubborn and not self.release.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await self.release.wait()


async def test_a_component_that_does_not_stop_is_cancelled_and_the_next_one_stops(caplog):
    log = []

    async with running([Recorder("a", log), Silent(log)]):
        pass

    assert log == ["start a", "cancelled", "stop a"]
    assert "silent has not stopped in time" in caplog.text


async def test_a_component_that_swallows_its_cancellation_is_left_behind():
    log = []
    silent = Silent(log, is_stubborn=True)

    async with running([Recorder("a", log), silent]):
        pass
    silent.release.set()

    assert log == ["start a", "cancelled", "stop a"]


async def test_no_component_is_waited_for_beyond_the_end_of_the_stop():
    log, budget = [], ShutdownBudget(handlers_s=600, writes_s=600)

    async with running([Silent(log, stops_within_s=600)], budget):
        budget.hurry()

    assert log == ["cancelled"]
