"""A dash lives on while Redis is slow, frozen or away, says so, and comes back by itself."""

import asyncio
import os
import signal

from pyasynq.clock import FakeClock
from tests.support import shop
from tests.support.stored_tasks import store
from tests.tui.screen import dashing

LONG_S = 10


def fill(server):
    client = server.client()
    shop.fill(client)
    client.close()


async def test_keys_work_while_redis_is_frozen_and_the_screen_says_since_when_it_is_stale(
    own_redis,
):
    fill(own_redis)
    clock = FakeClock(shop.NOW)
    async with dashing(own_redis.url, clock=clock) as shown:
        await shown.until("239 tasks")
        os.kill(own_redis.pid, signal.SIGSTOP)
        await shown.press("ctrl+l", "j")
        clock.advance(LONG_S)

        await shown.until("▲ stale since 03:33:20 UTC (10s), trying again: redis does not answer")
        await shown.until("12 scheduled")  # the cursor has moved
        await shown.press("question_mark")
        await shown.until("Everywhere")
        await shown.press("q", "2")
        await shown.until("Servers")
        await shown.press("1")
        await shown.until("239 tasks")

        os.kill(own_redis.pid, signal.SIGCONT)
        await shown.until("● live", without="▲")


async def test_a_dash_ends_at_once_while_redis_is_frozen(own_redis):
    fill(own_redis)
    async with dashing(own_redis.url) as shown:
        await shown.until("239 tasks")
        os.kill(own_redis.pid, signal.SIGSTOP)
        await shown.press("ctrl+l")
        try:
            async with asyncio.timeout(2):
                await shown.press("q")
                await shown.dash._shutdown()
        finally:
            os.kill(own_redis.pid, signal.SIGCONT)


async def test_a_dash_goes_on_when_redis_is_back(own_redis):
    clock = FakeClock(shop.NOW)
    own_redis.kill()
    async with dashing(own_redis.url, clock=clock, refresh_s=0.05) as shown:
        clock.advance(LONG_S)
        await shown.until("▲ trying again: redis is not available", "pyasynq dev")

        own_redis.start()
        fill(own_redis)
        await shown.until("239 tasks", without="▲")
        own_redis.kill()
        clock.advance(LONG_S)
        await shown.until("▲ stale since 03:33:30 UTC", "239 tasks")
        own_redis.start()
        await shown.until("There are no queues yet.", without="▲")


async def test_an_act_that_fails_is_told_and_may_be_repeated(own_redis):
    client = own_redis.client()
    store(client, "archived", "a")
    clock = FakeClock(shop.NOW)
    async with dashing(own_redis.url, clock=clock) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("Last error")
        await shown.press("R")
        await shown.until("Run 1 archived")
        own_redis.kill()
        await shown.press("y")
        await shown.until("Last error", without="(y)")
        clock.advance(LONG_S)
        await shown.until_told("redis is not available")
        own_redis.start()
        store(client, "archived", "a")
        await shown.until("● live")
        await shown.press("R")
        await shown.until("Run 1 archived")
        await shown.press("y")
        await shown.until("Ran 1 task.")
    client.close()
