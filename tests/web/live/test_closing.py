"""Live updates end when they are told to, whatever happens at that moment."""

import asyncio
from contextlib import suppress

from pyasynq.inspector import AsyncInspector
from pyasynq.web.live.live import Live


async def test_the_end_is_not_missed_if_an_answer_comes_at_the_same_moment(redis_url):
    async with AsyncInspector(redis_url) as inspector:
        is_asked = asyncio.Event()

        async def opened():
            is_asked.set()
            with suppress(asyncio.CancelledError):  # as a call does whose answer is there
                await asyncio.Event().wait()
            return inspector

        live = Live(opened)
        live.look()
        await is_asked.wait()

        async with asyncio.timeout(5):
            await live.aclose()

    assert not live.is_running
