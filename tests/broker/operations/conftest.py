"""Fixtures for tests of operations."""

import pytest

from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.connection.connector import Connector
from tests.support.builders import NOW_NS, make_active, make_data


@pytest.fixture
def runner(redis_url):
    runner = Runner(Connector.of(redis_url).open_sync(), clock=SystemClock())
    yield runner
    runner.close()


@pytest.fixture
def run(runner):
    """Runs one operation."""
    return lambda operation: runner.run(operation, patience_s=0)


@pytest.fixture
def active(redis_client):
    """Makes active tasks that "me" holds for another 30 seconds."""
    held = {"owner": "me", "lease_s": NOW_NS // NANOSECONDS + 30, "data": make_data()}
    return lambda *task_ids, **fields: make_active(redis_client, *task_ids, **{**held, **fields})
