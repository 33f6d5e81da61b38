"""Who listens is told what has changed; who does not costs nothing."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from pyasynq.web.live.changes import MOST_NAMES
from pyasynq.wire.keys import queue_keys
from tests.support.event_stream import listening
from tests.support.eventually import eventually_async

MAIL = queue_keys("mail")


def readings(client):
    return client.info("commandstats").get("cmdstat_smembers", {"calls": 0})["calls"]


def commands(client):
    return client.info("stats")["total_commands_processed"]


async def test_the_first_event_after_a_pause_is_that_anything_may_have_changed(app, now_s):
    async with listening(app) as source:
        assert await source.next() == ("dirty", ["all"])
        assert source.status == 200
        assert source.headers["content-type"].startswith("text/event-stream")
        assert source.headers["cache-control"] == "no-store"
        assert "content-length" not in source.headers
        assert source.raw.startswith(b"retry: 1000\n\n")


async def test_a_queue_that_changes_is_named_and_no_other(app, now_s, redis_client):
    async with listening(app) as source:
        await source.next()
        redis_client.zadd(MAIL.retry, {"another": 1})

        assert await source.next() == ("dirty", ["queue:mail"])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda client: client.sadd("asynq:queues", "new"), "queues"),
        (lambda client: client.srem("asynq:queues", "empty"), "queues"),
        (lambda client: client.set(MAIL.paused, 1), "queue:mail"),
        (lambda client: client.incr(MAIL.processed), "queue:mail"),
        (lambda client: client.zadd(MAIL.group("daily"), {"another": 1}), "queue:mail"),
        (lambda client: client.lpush(queue_keys("идеи").pending, "x"), "queue:идеи"),
        (lambda client: client.zrem("asynq:servers", "asynq:servers:{web-2:42:web-2}"), "servers"),
        (lambda client: client.set("asynq:servers:{web-2:42:web-2}", "x"), "servers"),
        (lambda client: client.zremrangebyrank("asynq:schedulers", 0, -1), "schedulers"),
    ],
)
async def test_each_kind_of_change_has_its_word(app, now_s, redis_client, change, word):
    async with listening(app) as source:
        await source.next()
        change(redis_client)

        assert await source.next() == ("dirty", [word])


async def test_what_a_server_runs_is_told_when_it_shows_itself(app, now_s, redis_client):
    server = "asynq:servers:{web-1:4117:web-1}"
    async with listening(app) as source:
        await source.next()
        redis_client.incr(MAIL.processed)
        assert await source.next() == ("dirty", ["queue:mail"])
        redis_client.zadd("asynq:servers", {server: now_s + 3000})

        assert await source.next() == ("dirty", ["servers"])


async def test_if_very_many_queues_change_they_are_not_named(app, redis_client):
    names = [f"queue {number}" for number in range(MOST_NAMES + 1)]
    redis_client.sadd("asynq:queues", *names)
    async with listening(app) as source:
        await source.next()
        with redis_client.pipeline() as pipeline:
            for name in names:
                pipeline.lpush(queue_keys(name).pending, "x")
            pipeline.execute()

        assert await source.next() == ("dirty", ["queues"])


async def test_names_that_are_no_utf_8_or_very_long_make_valid_events(app, redis_client):
    odd, long = b"\xff\n<&>\xe2\x80\xa8", b"x" * 10_000
    redis_client.sadd("asynq:queues", odd, long)
    async with listening(app) as source:
        await source.next()
        redis_client.lpush(b"asynq:{" + odd + b"}:pending", "x")
        first = await source.next()
        redis_client.lpush(b"asynq:{" + long + b"}:pending", "x")

        assert first == ("dirty", ["queue:" + odd.decode("utf-8", "surrogateescape")])
        assert await source.next() == ("dirty", ["queues"])


async def test_when_nobody_listens_any_more_nothing_is_sent_to_redis(app, now_s, redis_client):
    async with listening(app) as source:
        await source.next()
        assert app.live.is_running
    await eventually_async(lambda: not app.live.is_running)
    before = commands(redis_client)

    redis_client.zadd(MAIL.retry, {"another": 1})

    assert commands(redis_client) - before == 2  # our own ZADD and INFO
    assert [each.get_name() for each in asyncio.all_tasks() if "pyasynq" in each.get_name()] == []


async def test_twenty_listeners_are_told_by_one_reading(make_live, now_s, redis_client):
    app = make_live(pace={"poll_s": 1.0})
    before = readings(redis_client)
    async with AsyncExitStack() as stack:
        sources = [await stack.enter_async_context(listening(app)) for _ in range(20)]
        for each in sources:
            await each.next()
        made = readings(redis_client) - before

    assert made <= 2  # who comes while a reading is under way is told by the next one


async def test_the_listener_too_many_is_told_to_ask_from_time_to_time(make_live, now_s):
    app = make_live(pace={"most_listeners": 2})
    async with listening(app) as first, listening(app) as second, listening(app) as third:
        assert (first.status, second.status, third.status) == (200, 200, 503)
        assert third.headers["retry-after"] == "60"
        second.leave()
        await second.until(lambda: second.is_over)
        async with listening(app) as fourth:
            assert fourth.status == 200


async def test_a_listener_that_takes_nothing_holds_nobody_up(app, now_s, redis_client):
    async with listening(app) as slow, listening(app) as quick:
        await slow.next()
        await quick.next()
        slow.accepts.clear()
        for number in range(3):
            redis_client.zadd(MAIL.retry, {f"another {number}": 1})
            assert await quick.next() == ("dirty", ["queue:mail"])
        redis_client.sadd("asynq:queues", "new")
        assert await quick.next() == ("dirty", ["queues"])
        slow.accepts.set()

        # What it missed is told together: one event was on its way, the others are one.
        assert await slow.next() == ("dirty", ["queue:mail"])
        assert await slow.next() == ("dirty", ["queue:mail", "queues"])


async def test_a_listener_that_takes_nothing_for_long_is_let_go(make_live, now_s, redis_client):
    app = make_live(pace={"send_s": 0.05, "most_listeners": 1})
    async with listening(app) as dead:
        await dead.next()
        dead.accepts.clear()
        redis_client.zadd(MAIL.retry, {"another": 1})

        await eventually_async(lambda: not app.live.is_running)  # nobody listens any more


async def test_signs_of_life_come_when_nothing_happens(make_live, now_s):
    app = make_live(pace={"heartbeat_s": 0.05})
    async with listening(app) as source:
        await source.until(lambda: source.raw.count(b"\n:\n") >= 2)

        assert source.events == [("dirty", ["all"])]


async def test_a_stream_ends_after_a_time_so_that_roles_are_asked_again(make_live, now_s):
    roles = ["read"]
    app = make_live(pace={"longest_s": 0.1, "heartbeat_s": 0.05}, access=lambda _r: roles[-1])
    async with listening(app) as source:
        roles.append("none")
        await source.until(lambda: source.is_over)
    async with listening(app) as again:
        assert again.status == 403


async def test_closing_the_application_ends_the_streams(app, now_s):
    async with listening(app) as source:
        await source.next()
        await app.aclose()

        await source.until(lambda: source.is_over)
        assert not app.live.is_running


async def test_a_server_that_stops_can_end_the_streams_from_any_thread(app, now_s):
    async with listening(app) as source:
        await source.next()
        await asyncio.to_thread(app.end_streams)

        await source.until(lambda: source.is_over)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_through_wsgi_pages_are_told_to_ask_again_instead(app, now_s, method):
    async with listening(app, method=method, wsgi_environ={}) as source:
        assert source.status == 503


async def test_who_asks_for_the_head_gets_no_stream(app, now_s):
    async with listening(app, method="HEAD") as source:
        await source.until(lambda: source.is_over)

        assert (source.status, source.raw) == (200, b"")
        assert not app.live.is_running


async def test_who_may_not_look_is_told_nothing(make_live, now_s):
    async with listening(make_live(access="none")) as source:
        assert source.status == 403
        assert b"mail" not in source.raw
