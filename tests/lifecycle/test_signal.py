"""Announcements reach every listener, and only listeners."""

import asyncio

import pytest

from pyasynq.lifecycle.signal import Signal


async def test_every_listener_gets_each_announcement_in_order():
    signal = Signal()

    with signal.listening() as first, signal.listening() as second:
        for value in (3, 1, 2):
            signal.announce(value)

        assert [[each.get_nowait() for _ in range(3)] for each in (first, second)] == [
            [3, 1, 2]
        ] * 2


async def test_what_is_announced_before_and_after_is_not_heard():
    signal = Signal()

    signal.announce("before")
    with signal.listening() as heard:
        pass
    signal.announce("after")

    assert heard.empty()


async def test_a_wait_ends_with_the_announcement_that_makes_it_true():
    signal, seen = Signal(), []
    waiting = asyncio.create_task(signal.until(lambda: len(seen) == 2))
    await asyncio.sleep(0)

    seen.append(1)
    signal.announce(None)
    await asyncio.sleep(0)
    was_done = waiting.done()
    seen.append(2)
    signal.announce(None)
    await waiting

    assert not was_done


async def test_a_wait_for_what_is_true_already_needs_no_announcement():
    await Signal().until(lambda: True)


async def test_a_wait_that_is_cancelled_listens_no_more():
    signal = Signal()
    waiting = asyncio.create_task(signal.until(lambda: False))
    await asyncio.sleep(0)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert signal._listeners == []
