"""Streams end when real servers stop, however these stop."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from pyasynq.web import create_app
from tests.support.served import served


@pytest.mark.slow
def test_uvicorn_does_not_wait_for_open_streams(redis_url, redis_client):
    """It sets itself no limit, and tells the applications that are mounted in others nothing."""
    redis_client.sadd("asynq:queues", "mail")
    mounted = Starlette(routes=[Mount("/tasks", create_app(redis_url))])
    with httpx.Client(timeout=30) as client:
        with served(mounted) as url:
            opened = client.stream("GET", f"{url}/tasks/api/x/events")
            lines = opened.__enter__().iter_lines()
            first = [next(lines) for _ in range(3)]
        rest = list(lines)  # nobody has cut it: it has come to its end
        opened.__exit__(None, None, None)

    assert first == ["retry: 1000", "", "event: dirty"]
    assert rest == ['data: ["all"]', ""]
