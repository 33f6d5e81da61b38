"""Handlers that ignore their cancellation, wait for a thread, or exit."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from pyasynq import retry
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings
from tests.faults.figures import show
from tests.faults.slots import SLOTS, Slots
from tests.support.eventually import eventually, eventually_async

DAY = {"retry_delay": retry.fixed(86_400)}


async def swallow(ctx, release):
    while not release.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.01)


async def swallow_and_finish(ctx, release):
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    await asyncio.to_thread(release.wait, 60)
    return b"late"


async def shield(ctx, release):
    work = asyncio.ensure_future(swallow(ctx, release))
    while not work.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(work)


def in_thread(ctx, release):
    while not release.is_set():
        time.sleep(0.01)


def in_thread_and_raise(ctx, release):
    in_thread(ctx, release)
    raise RuntimeError("late")


@pytest.mark.parametrize(
    "ignore", [swallow, swallow_and_finish, shield, in_thread, in_thread_and_raise]
)
async def test_a_handler_that_ignores_its_end_is_settled_and_keeps_its_slot(work, ignore):
    release = threading.Event()
    mux = ServeMux()
    slots = Slots(mux)
    mux.add("bad", wrapped(ignore, release), settings=TaskSettings(retry_delay=retry.fixed(86_400)))

    async with work.serving(mux, concurrency=SLOTS):
        info = await work.enqueue("bad", timeout=1)
        started = time.monotonic()
        await work.until(info, "retry")
        settled_s = time.monotonic() - started
        others = [await work.enqueue("hold") for _ in range(SLOTS)]
        await eventually_async(lambda: slots.held == SLOTS - 1)
        # Nobody takes the second one as long as its slot is taken.
        waiting = work.redis.llen("asynq:{default}:pending")
        release.set()
        await eventually_async(lambda: slots.held == SLOTS)
        slots.release.set()
        for other in others:
            await work.until(other, None)
        slots.release.clear()
        await slots.are_all_free(work)

    assert waiting == 1
    assert work.message(info).error_msg == "context deadline exceeded"
    assert work.message(info).retried == 1
    processed = 1 + SLOTS + SLOTS + 1
    show(
        f"handler ignores its end ({ignore.__name__})",
        tasks=processed,
        lost=0,
        duplicates=work.count("processed") - processed,
        settled_s=settled_s,
    )
    assert (work.count("processed"), work.count("failed")) == (processed, 1)


def wrapped(ignore, release):
    if asyncio.iscoroutinefunction(ignore):

        async def on_loop(ctx, task):
            return await ignore(ctx, release)

        return on_loop

    def plain(ctx, task):
        return ignore(ctx, release)

    return plain


async def test_a_function_whose_time_was_up_while_it_waited_for_a_thread_never_runs(work):
    release, ran = threading.Event(), []
    mux = ServeMux()

    @mux.handler("hold the thread")
    def hold(ctx, task):
        release.wait(60)

    @mux.handler("late")
    def late(ctx, task):
        ran.append(ctx.attempt)

    async with work.serving(mux, concurrency=2, thread_pool_size=1, **DAY):
        holding = await work.enqueue("hold the thread")
        await work.until(holding, "active")
        info = await work.enqueue("late", timeout=1)
        await work.until(info, "retry")
        release.set()
        await work.until(holding, None)

    assert ran == []
    assert work.message(info).error_msg == "context deadline exceeded"


PROGRAM = """
import asyncio, sys, threading
from pyasynq import Client, ServeMux, Server, ServerConfig, Task

mux = ServeMux()

@mux.handler("bad")
async def bad(ctx, task):
    async def leave():
        {act}
    asyncio.get_running_loop().create_task(leave())

@mux.handler("group")
async def group(ctx, task):
    async def leave():
        {act}
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(leave())

@mux.handler("good")
async def good(ctx, task):
    print("good", flush=True)

with Client({url!r}) as client:
    for kind in ("bad", "group", "good"):
        client.enqueue(Task(kind), task_id=kind)
Server({url!r}, ServerConfig(concurrency=1)).run(mux)
print("closed", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("act", ["sys.exit(3)", "raise KeyboardInterrupt"])
def test_a_task_of_a_handler_that_exits_does_not_end_the_worker(
    act, redis_url, redis_client, tmp_path
):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.format(act=act, url=redis_url))

    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        first_line = program.stdout.readline()
        eventually(lambda: not redis_client.llen("asynq:{default}:active"))
        program.send_signal(signal.SIGTERM)
        rest, log = program.communicate(timeout=60)

    assert first_line == b"good\n"
    assert rest == b"closed\n"
    assert program.returncode == 0
    assert log.count(b"the worker goes on") == 2  # a line each
    assert b"Traceback" not in log
    assert redis_client.zrange("asynq:{default}:retry", 0, -1) == [b"group"]
