"""Fixtures for tests of the worker."""

from collections.abc import AsyncIterator, Iterator

import pytest

from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from tests.support.commands import Commands


@pytest.fixture
async def runner(redis_url) -> AsyncIterator[AsyncRunner]:
    runner = AsyncRunner(Connector.of(redis_url).open_async(), clock=SystemClock())
    yield runner
    await runner.close()


@pytest.fixture
def commands(redis_server, redis_url) -> Iterator[Commands]:
    """Records the commands that the Redis of the test is sent."""
    with Commands(redis_server) as commands:
        yield commands
