"""What becomes of a server whose handlers do not end, or block its loop."""

import asyncio
import logging
import re
import threading
import time
import traceback

import pytest

from pyasynq import retry
from pyasynq.client import Client
from pyasynq.clock import SystemClock
from pyasynq.task import Task
from pyasynq.worker.attempt.running_task import Ending
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.liveness.watchdog import Watchdog, is_stuck, what_runs
from pyasynq.worker.server import Server
from tests.support.builders import make_resources, make_running
from tests.support.eventually import eventually, eventually_async
from tests.support.workplace import QUICK

CALM = {"heartbeat_interval": 10, "lease_duration": 30}  # no beat fails on a busy machine
WATCHFUL = {"watchdog_interval": 0.01, "cancel_grace": 0.05, **CALM}


def logged(caplog, level) -> list[str]:
    return [
        each.message
        for each in caplog.records
        if each.name == "pyasynq.watchdog" and each.levelno == level
    ]


def logged_about_slots(caplog, level) -> list[str]:
    """Leave out warnings about the loop, which a busy machine may block now and then."""
    return [message for message in logged(caplog, level) if "the event loop" not in message]


def stubborn_mux() -> tuple[ServeMux, list[threading.Event]]:
    """A handler in a thread, which nothing can end but its own release."""
    mux, releases = ServeMux(), []

    @mux.handler("stubborn")
    def stubborn(ctx, task):
        releases.append(threading.Event())
        releases[-1].wait(20)

    return mux, releases


async def cancel(work, *infos) -> None:
    """Cancel tasks until their server has heard it."""
    for info in infos:
        await eventually_async(lambda: work.redis.publish("asynq:cancel", info.id) > 0)  # noqa: B023
        await work.until(info, "archived")


async def test_not_ready_when_every_slot_is_stuck_and_ready_when_one_is_free(work, caplog):
    caplog.set_level(logging.INFO, "pyasynq.watchdog")
    mux, releases = stubborn_mux()

    async with work.serving(mux, **WATCHFUL, concurrency=2) as server:
        first, second = [await work.enqueue("stubborn", max_retry=0) for _ in range(2)]
        await eventually_async(lambda: len(releases) == 2)
        await cancel(work, first)
        with_one_stuck = server.is_ready
        await cancel(work, second)
        await eventually_async(lambda: logged_about_slots(caplog, logging.ERROR))
        with_both_stuck = server.is_ready
        why = server.why_not_ready
        releases[0].set()
        await eventually_async(lambda: logged_about_slots(caplog, logging.INFO))
        with_one_free = server.is_ready
        releases[1].set()

    assert (with_one_stuck, with_both_stuck, with_one_free) == (True, False, True)
    assert why == "every slot is taken by a handler that does not end"
    assert logged_about_slots(caplog, logging.ERROR) == [
        "not ready: every slot is taken by a handler that does not end ('stubborn')"
    ]
    assert logged_about_slots(caplog, logging.INFO) == ["ready: a slot is free again"]


async def test_a_slot_whose_handler_goes_on_after_its_timeout_is_stuck(work):
    mux, releases = stubborn_mux()

    async with work.serving(mux, **WATCHFUL, concurrency=1) as server:
        info = await work.enqueue("stubborn", timeout=1, max_retry=0)
        await work.until(info, "archived")
        await eventually_async(lambda: not server.is_ready)
        releases[0].set()
        await eventually_async(lambda: server.is_ready)


async def test_a_slot_whose_error_handler_never_ends_is_stuck(work):
    release = asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def fail(ctx, task):
        raise ValueError("bad")

    async def on_error(ctx, task, error):
        await release.wait()

    settings = {**WATCHFUL, "concurrency": 1, "error_handler": on_error}
    async with work.serving(mux, **settings) as server:
        await work.until(await work.enqueue("email", timeout=1, max_retry=0), "archived")
        await eventually_async(lambda: not server.is_ready)
        release.set()
        await eventually_async(lambda: server.is_ready)


async def test_busy_slots_are_not_stuck(work):
    started, release = asyncio.Event(), asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        await release.wait()

    async with work.serving(mux, **WATCHFUL, concurrency=1) as server:
        await work.enqueue("email")
        await started.wait()

        assert server.is_ready
        release.set()


async def test_ready_only_between_the_start_and_the_stop(work):
    mux, server = ServeMux(), work.server(**CALM)
    seen = [(server.is_ready, server.why_not_ready)]

    async with server.running(mux):
        seen.append((server.is_ready, server.why_not_ready))
        server.stop()
        seen.append((server.is_ready, server.why_not_ready))
    seen.append((server.is_ready, server.why_not_ready))

    assert seen == [
        (False, "it has not started"),
        (True, ""),
        (False, "it was told to fetch nothing more"),
        (False, "it shuts down"),
    ]


async def test_not_ready_while_a_shutdown_waits_for_handlers(work):
    started, release = asyncio.Event(), asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        await release.wait()

    server = work.server(**CALM)
    serving = asyncio.create_task(server.serve(mux))
    await work.enqueue("email")
    await started.wait()
    await eventually_async(lambda: server.is_ready)
    server.shutdown()

    assert not server.is_ready
    release.set()
    await serving


async def test_not_ready_before_every_part_has_started(redis_server, redis_url):
    seen, servers = [], []

    class Slow(SystemClock):
        """A clock that is asked while the server starts."""

        def now_ns(self):
            seen.extend(each.is_ready for each in servers)
            return super().now_ns()

    server = Server(redis_url, ServerConfig(**QUICK), clock=Slow())
    servers.append(server)
    async with server.running(ServeMux()):
        while_starting = list(seen)

    assert while_starting
    assert not any(while_starting)


async def test_not_ready_while_redis_is_away_and_ready_when_it_is_back(own_redis, caplog):
    caplog.set_level(logging.INFO, "pyasynq.server")
    settings = {**QUICK, "heartbeat_interval": 1, "lease_duration": 2}
    server = Server(own_redis.url, ServerConfig(**settings))

    async with server.running(ServeMux()):
        assert server.is_ready
        own_redis.kill()
        await eventually_async(lambda: server.why_not_ready == "redis does not answer")
        own_redis.start()
        await eventually_async(lambda: server.is_ready)
        await eventually_async(lambda: "redis answers again" in caplog.text)

    outage = [line for line in caplog.messages if "redis" in line and "serves" not in line]
    assert [line.split(":")[0].split(",")[0] for line in outage] == [
        "the server waits for redis",
        "redis answers again",
    ]


class Listener(logging.Handler):
    """Sets an event when a record with a text arrives, in whatever thread."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.heard = text, threading.Event()

    def emit(self, record):
        if self.text in record.getMessage():
            self.heard.set()


async def test_a_handler_that_blocks_the_loop_is_named_once_with_its_task(work, caplog):
    caplog.set_level(logging.INFO, "pyasynq.watchdog")
    blocked, over = Listener("(in blocking)"), Listener("turns again")
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        blocked.heard.wait(20)
        time.sleep(0.1)  # noqa: ASYNC251 - so that a second warning would have its time

    for each in (blocked, over):
        logging.getLogger("pyasynq.watchdog").addHandler(each)
    try:
        async with work.serving(mux, **WATCHFUL):
            await work.until(await work.enqueue("email", task_id="blocking"), None)
            await eventually_async(over.heard.is_set)
    finally:
        for each in (blocked, over):
            logging.getLogger("pyasynq.watchdog").removeHandler(each)

    (warning,) = [each for each in logged(caplog, logging.WARNING) if blocked.text in each]
    assert "the event loop has not turned for" in warning
    assert 'test_watchdog.py", line' in warning
    assert "blocked.heard.wait(20)" in warning
    first = warning.splitlines()[1]
    assert re.fullmatch(r'  File ".*test_watchdog.py", line \d+, in handle', first)


@pytest.mark.parametrize(
    ("callers", "shown"),
    [
        (["click.py:main", "asyncio/events.py:_run", "executor.py:_run", "a.py:f"], ["_run", "f"]),
        (["asyncio/events.py:_run", "pyasynq/worker/execute/executor.py:_run", "a.py:f"], ["f"]),
        (["click.py:main", "asyncio/events.py:_run", "a.py:f", "b.py:_run"], ["f", "_run"]),
        (["asyncio/runners.py:run", "asyncio/runners.py:run", "a.py:f"], ["f"]),
        (["a.py:f"] * 20, ["f"] * 12),
        (["a.py:f", "asyncio/events.py:_run"], ["f", "_run"]),
    ],
)
def test_what_blocks_the_loop_is_shown_without_what_called_it(callers, shown):
    summaries = [
        traceback.FrameSummary(caller.split(":")[0], line, caller.split(":")[1], line="x")
        for line, caller in enumerate(callers)
    ]

    assert re.findall(r"in (\w+)", what_runs(summaries)) == shown


async def test_a_server_whose_loop_turns_logs_nothing(work, caplog):
    caplog.set_level(logging.INFO, "pyasynq.watchdog")
    mux = ServeMux()

    @mux.handler("email")
    def handle(ctx, task):
        time.sleep(0.1)  # in a thread

    async with work.serving(mux, watchdog_interval=10):
        await work.until(await work.enqueue("email"), None)

    assert logged(caplog, logging.WARNING) == []


def test_a_loop_blocked_past_every_grace_loses_its_task_and_its_late_outcome(
    redis_url, redis_client
):
    """A lease is not extended once deadline, grace and lease are over; others recover it."""
    blocked, release = threading.Event(), threading.Event()
    attempts, loops = [], []
    here, elsewhere = ServeMux(), ServeMux()
    server = Server(redis_url, ServerConfig(**QUICK))

    @here.handler("email")
    async def block(ctx, task):
        attempts.append(("blocked", ctx.attempt))
        loops.append(asyncio.get_running_loop())
        blocked.set()
        release.wait(20)

    @elsewhere.handler("email")
    async def handle(ctx, task):
        attempts.append(("elsewhere", ctx.attempt))

    async def serve_elsewhere_until_done(info):
        config = ServerConfig(**QUICK, retry_delay=retry.fixed(0.05))
        async with Server(redis_url, config).running(elsewhere):
            key = f"asynq:{{default}}:t:{info.id}"
            await eventually_async(lambda: not redis_client.exists(key))

    thread = threading.Thread(target=lambda: asyncio.run(server.serve(here)))
    thread.start()
    with Client(redis_url) as client:
        info = client.enqueue(Task("email"), timeout=1)
    eventually(blocked.is_set)
    asyncio.run(serve_elsewhere_until_done(info))
    release.set()
    loops[0].call_soon_threadsafe(server.shutdown)
    thread.join()

    assert attempts == [("blocked", 1), ("elsewhere", 2)]
    assert redis_client.get("asynq:{default}:processed") == b"2"  # lease lost, then success
    assert redis_client.get("asynq:{default}:failed") == b"1"
    assert redis_client.exists("asynq:{default}:active", "asynq:{default}:lease") == 0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ends_at": 100.0}, False),  # it has more time
        ({"ends_at": 94.0}, True),  # its time and the grace are over
        ({"ends_at": 96.0}, False),  # the grace is not
        ({"ends_at": 900.0, "asked_to_end_at": 94.0, "ending": Ending.CANCELLED}, True),
        ({"ends_at": 900.0, "asked_to_end_at": 96.0, "ending": Ending.LEASE_LOST}, False),
        ({"ends_at": 94.0, "has_ended": True}, False),
    ],
)
def test_a_handler_is_stuck_when_its_grace_is_over(fields, expected):
    assert is_stuck(make_running(**fields), 99.5, grace_s=5.0) is expected


async def test_the_state_of_the_slots_is_logged_once_per_change(caplog):
    caplog.set_level(logging.INFO, "pyasynq.watchdog")
    running = {make_running(ends_at=0.0), make_running(ends_at=0.0)}
    config = ServerConfig(concurrency=2, cancel_grace=0)
    watchdog = Watchdog(make_resources(config=config), running)

    for _ in range(3):
        watchdog.look()
    one = running.pop()
    for _ in range(3):
        watchdog.look()
    running.add(one)
    watchdog.look()

    levels = [each.levelno for each in caplog.records]
    assert levels == [logging.ERROR, logging.INFO, logging.ERROR]
