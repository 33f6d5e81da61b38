"""Redis goes away and comes again while pages listen."""

import os
import signal

import pytest

from pyasynq.web import create_app
from pyasynq.web.live.pace import Pace
from tests.support.event_stream import listening


@pytest.fixture
async def app(own_redis):
    app = create_app(own_redis.url)
    app.live.pace = Pace(poll_s=0.05, patience_s=0.3, most_share=1.0)
    yield app
    await app.aclose()


async def test_stale_is_told_when_redis_goes_and_fresh_when_it_is_back(app, own_redis):
    async with listening(app) as source:
        assert await source.next() == ("dirty", ["all"])
        own_redis.kill()
        name, data = await source.next()
        assert (name, list(data)) == ("stale", ["since"])
        assert data["since"].endswith("Z")

        async with listening(app) as late:
            assert await late.next() == (name, data)
            own_redis.start()

            for each in (source, late):
                assert await each.next() == ("fresh", {})
                assert await each.next() == ("dirty", ["all"])


async def test_a_redis_that_is_frozen_is_stale_too(app, own_redis):
    async with listening(app) as source:
        await source.next()
        os.kill(own_redis.pid, signal.SIGSTOP)
        try:
            assert (await source.next())[0] == "stale"
        finally:
            os.kill(own_redis.pid, signal.SIGCONT)

        assert await source.next() == ("fresh", {})


async def test_who_comes_while_redis_is_away_is_told_so(app, own_redis):
    own_redis.kill()
    async with listening(app) as source:
        assert (await source.next())[0] == "stale"
