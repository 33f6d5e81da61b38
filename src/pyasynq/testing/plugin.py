"""Fixtures that pytest finds by itself where pyasynq is installed.

    pyasynq_redis_url   URL of a private Redis, empty for each test

The server starts on first use, once per process of the test run, and ends with it.
"""

import pytest


@pytest.fixture
def pyasynq_redis_url() -> str:
    """URL of a private Redis that is empty; for clients, servers and Apps of a test."""
    from pyasynq.app.harness.private_redis import empty_redis  # noqa: PLC0415 - loaded only where it is used

    return empty_redis()
