"""A refresh reads what the open view shows and nothing else, its calls sent together."""

import os
import signal

import pytest

from pyasynq.clock import FakeClock
from tests.support import shop
from tests.support.commands import Commands
from tests.support.counting_proxy import CountingProxy
from tests.support.eventually import eventually_async
from tests.tui.screen import dashing

FOREVER = 3600.0
RUNNING = ["evalsha", "evalsha", *["get"] * 4, "hvals", "hvals"]  # of two servers
EXPLAINED = ["time", "evalsha", "smembers", "zrevrange", *["evalsha"] * 3]
QUEUES = ["smembers", *["evalsha"] * 3]


async def opened(shown, keys):
    await shown.until("reports")
    for key, text in keys:
        await shown.press(key)
        await shown.until(text)
    await shown.press("ctrl+l")
    await shown.pilot.pause()


@pytest.mark.parametrize(
    ("keys", "sent"),
    [
        ((), QUEUES),
        (
            (("enter", "email:welcome"),),
            ["sismember", "evalsha", "sismember", "evalsha"],
        ),
        (
            (("enter", "email:welcome"), ("enter", "Payload")),
            ["sismember", "evalsha", "sismember", "hmget", *EXPLAINED, *RUNNING],
        ),
        ((("4", "noeviction"),), ["info"]),
    ],
)
async def test_one_refresh_sends_only_what_the_view_shows(shop_url, redis_server, keys, sent):
    async with dashing(shop_url, clock=FakeClock(shop.NOW), refresh_s=FOREVER) as shown:
        await opened(shown, keys)
        with Commands(redis_server) as commands:
            await shown.press("ctrl+l")
            found: list[str] = []
            await eventually_async(lambda: found.extend(commands.sent()) or len(found) >= len(sent))
            await shown.pilot.pause()
            found += commands.sent()

    assert found == sent


async def test_the_counts_and_the_page_of_a_queue_are_asked_for_before_an_answer_comes(own_redis):
    client = own_redis.client()
    shop.fill(client)
    client.close()
    clock = FakeClock(shop.NOW)
    with CountingProxy(own_redis.port) as proxy:
        async with dashing(proxy.url, clock=clock, refresh_s=FOREVER) as shown:
            await opened(shown, (("enter", "email:welcome"),))
            os.kill(own_redis.pid, signal.SIGSTOP)
            before = proxy.count.commands
            await shown.press("ctrl+l")
            await eventually_async(lambda: proxy.count.commands - before == 4)
            os.kill(own_redis.pid, signal.SIGCONT)


async def test_nothing_is_read_while_the_screen_is_held_or_a_dialog_covers_the_view(
    shop_url, redis_server
):
    async with dashing(shop_url, clock=FakeClock(shop.NOW), refresh_s=0.01) as shown:
        await shown.until("reports")
        await shown.press("?")
        await shown.until("Everywhere")
        with Commands(redis_server) as commands:
            await shown.pilot.pause(0.05)
            assert commands.sent() == []
        await shown.press("q", "space")
        await shown.until("‖ held")
        await shown.pilot.pause()
        with Commands(redis_server) as commands:
            await shown.pilot.pause(0.05)
            assert commands.sent() == []
