"""A function of the user is called with the health of Redis."""

import asyncio

from pyasynq.worker.handlers.mux import ServeMux


async def test_healthchecker_reports_how_the_ping_went(work):
    reported = asyncio.Queue()

    async with work.serving(ServeMux(), health_check=reported.put, health_check_interval=0.02):
        first = await asyncio.wait_for(reported.get(), 20)

    assert first is None
