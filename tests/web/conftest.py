"""The web UI on the empty Redis of a test."""

import time

import pytest

from pyasynq.web import create_app
from tests.support import every_state
from tests.support.web import Web


@pytest.fixture
async def make_web(redis_url):
    """Makes an application on this Redis, and a client of it."""
    made = []

    def make(*, address="127.0.0.1", **settings):
        made.append(Web(create_app(redis_url, **settings), address=address))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture
def web(make_web):
    return make_web()


@pytest.fixture
def now_s(redis_client):
    """Fills Redis with tasks in every state; returns when that was."""
    now_s = int(time.time())
    every_state.fill(redis_client, now_s)
    return now_s
