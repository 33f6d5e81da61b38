"""The spans of a test, and an App that makes them."""

from collections.abc import AsyncIterator

import pytest

from pyasynq.app import App
from tests.support.traces import Traces
from tests.support.workplace import QUICK


@pytest.fixture
def traces() -> Traces:
    return Traces()


@pytest.fixture
async def app(redis_url, traces) -> AsyncIterator[App]:
    app = App(redis_url, tracing=traces.tracing, **QUICK)
    yield app
    await app.aclose()
