"""A workplace on the empty Redis of a test."""

from collections.abc import AsyncIterator

import pytest

from pyasynq.client_async import AsyncClient
from tests.support.workplace import Workplace


@pytest.fixture
async def work(redis_url, redis_client) -> AsyncIterator[Workplace]:
    async with AsyncClient(redis_url) as client:
        yield Workplace(redis_url, client, redis_client)
