"""Handlers for processes of their own, which find them here by their names."""

import asyncio
import contextlib
import ctypes
import json
import logging
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from pyasynq.app import App
from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.errors import PyasynqError
from pyasynq.worker.handlers.context import current_context
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings

PROCESS = TaskSettings(executor="process")
mux = ServeMux()
typed = App("redis://nowhere.invalid")


class OwnError(Exception):
    """One that a worker knows, since this module is loaded there."""

    def __init__(self, what, code):
        super().__init__(f"{what} ({code})")


@mux.handler("log", settings=PROCESS)
def log(ctx, task):
    """Log a line with what this process has set up, into the file that the payload names."""
    (handler,) = logging.getLogger().handlers
    with Path(json.loads(task.payload)).open("w") as file:
        before = handler.setStream(file)
        logging.getLogger("shop").warning("from a process")
        handler.setStream(before)


@mux.handler("describe", settings=PROCESS)
def describe(ctx, task):
    fields = {
        "type": task.type,
        "payload": task.payload.decode(),
        "headers": dict(task.headers),
        "id": ctx.task_id,
        "queue": ctx.queue,
        "attempt": ctx.attempt,
        "is_current": current_context() is ctx,
        "seconds_left": ctx.remaining() > timedelta(seconds=50),
        "pid": os.getpid(),
    }
    return json.dumps(fields).encode()


@mux.handler("left", settings=PROCESS)
def left(ctx, task):
    return str(ctx.remaining().total_seconds()).encode()


@mux.handler("path", settings=PROCESS)
def path(ctx, task):
    return json.dumps([sys.path, sys.argv]).encode()


@mux.handler("async", settings=PROCESS)
async def describe_later(ctx, task):
    await asyncio.sleep(0)
    await ctx.awrite_result(b"half")
    return b"done in process %d" % os.getpid()


@mux.handler("progress", settings=PROCESS)
def progress(ctx, task):
    ctx.write_result(b"half")
    wait_for(task.payload.decode())


@mux.handler("report", settings=PROCESS)
def report(ctx, task):
    ctx.progress(1, 1_000, "first")
    wait_for(task.payload.decode())
    for number in range(1, 1_001):
        ctx.progress(number, 1_000)


@mux.handler("report_and_fail", settings=PROCESS)
async def report_and_fail(ctx, task):
    ctx.progress(3, 10, "pages")
    raise SkipRetry("no paper")


@mux.handler("wrong_result", settings=PROCESS)
def wrong_result(ctx, task):
    return {"no": "bytes"}


@mux.handler("fail", settings=PROCESS)
def fail(ctx, task):
    raise OwnError("no such user", 42)


@mux.handler("skip", settings=PROCESS)
def skip(ctx, task):
    try:
        raise KeyError("deep inside")
    except KeyError as error:
        raise ValueError("outside") from SkipRetry(str(error))


@mux.handler("revoke", settings=PROCESS)
def revoke(ctx, task):
    raise RevokeTask("not needed")


@mux.handler("later", settings=PROCESS)
def later(ctx, task):
    raise RetryLater(3600)


@mux.handler("busy", settings=PROCESS)
def busy(ctx, task):
    raise RetryLater(3600, "the printer is busy")


@mux.handler("die:", settings=PROCESS)
def die(ctx, task):
    how = task.type.removeprefix("die:")
    if how == "segfault":
        ctypes.string_at(0)
    elif how == "exit":
        os._exit(3)
    elif how == "sys_exit":
        sys.exit(4)
    elif how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "closed":
        os.closerange(3, 256)
        time.sleep(3600)
    elif how == "closed_and_returned":
        os.closerange(3, 256)
    elif how == "garbage":
        for descriptor in sockets():
            os.write(descriptor, b"hello, whoever listens")
        time.sleep(3600)
    elif how == "abandoned":  # a process of its own keeps the socket open
        if (pid := os.fork()) == 0:
            time.sleep(3600)
        note(task, f"started {pid}")
        os._exit(5)


@mux.handler("start:", settings=PROCESS)
def start(ctx, task):
    """Start a process that never ends; then return, or wait for it."""
    child = subprocess.Popen(["sleep", "3600"])
    child.returncode = 0  # no warning of what is left behind
    note(task, f"started {child.pid}")
    if task.type == "start:wait":
        os.waitpid(child.pid, 0)


@mux.handler("loop", settings=PROCESS)
def loop(ctx, task):
    note(task, f"started {os.getpid()}")
    try:
        while True:
            time.sleep(0.01)
    finally:
        note(task, f"cleaned up {ctx.is_cancelled}")


@mux.handler("stubborn", settings=PROCESS)
def stubborn(ctx, task):
    note(task, f"started {os.getpid()}")
    # The engine of regular expressions holds the interpreter until it has finished: never.
    re.match(r"(a*)*$", "a" * 100 + "b")


@mux.handler("sleep", settings=PROCESS)
def sleep(ctx, task):
    note(task, f"started {os.getpid()}")
    time.sleep(3600)


@mux.handler("meet", settings=PROCESS)
def meet(ctx, task):
    note(task, f"started {os.getpid()}")
    wait_for(f"{task.payload.decode()}.go")
    return b"%d" % os.getpid()


def sockets():
    found = []
    for descriptor in range(3, 256):
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                found.append(descriptor)
    return found


def note(task, line):
    with Path(task.payload.decode()).open("a") as ledger:
        ledger.write(f"{line}\n")


def wait_for(path):
    while not Path(path).exists():
        time.sleep(0.005)


@mux.handler("returns_coroutine", settings=PROCESS)
def returns_coroutine(ctx, task):
    return describe_done()


@mux.handler("returns_future", settings=PROCESS)
async def returns_future(ctx, task):
    return ThreadPoolExecutor(1).submit(lambda: b"done")


@typed.task(executor="process")
def double(number: int) -> int:
    return 2 * number


@typed.task(executor="process")
def odd_receipt() -> object:
    return object()


async def describe_done():
    await asyncio.sleep(0)
    return b"done"


@mux.handler("payload", settings=PROCESS)
def payload_of(ctx, task):
    return task.payload


@mux.handler("pid", settings=PROCESS)
def own_pid(ctx, task):
    return b"%d" % os.getpid()


@mux.handler("fork", settings=PROCESS)
def fork_and_return(ctx, task):
    if (pid := os.fork()) != 0:
        os.waitpid(pid, 0)
    return b"forked"


@mux.handler("give_up", settings=PROCESS)
async def give_up_a_write(ctx, task):
    """Cancel one write once it is under way, and wait for another."""
    first = asyncio.create_task(ctx.awrite_result(b"first"))
    await asyncio.sleep(0.1)  # it is not answered before the second one has come
    first.cancel()
    await ctx.awrite_result(b"second")
    return b"second was stored"


@mux.handler("late:", settings=PROCESS)
def leave_a_thread(ctx, task):
    """Return while a thread waits, which then writes into the sockets or writes a result."""
    ledger = task.payload.decode()

    def write():
        wait_for(f"{ledger}.go")
        if task.type == "late:garbage":
            for descriptor in sockets():
                os.write(descriptor, b"hello")
            return
        try:
            ctx.write_result(b"late")
        except PyasynqError as error:
            note(task, error)

    threading.Thread(target=write, daemon=True).start()
    return b"%d" % os.getpid()


@mux.handler("inherited", settings=PROCESS)
def inherited(ctx, task):
    """Return the sockets that a program finds which the handler starts."""
    program = (
        "import os, stat; print([each for each in range(3, 256) if os.path.exists("
        "f'/proc/self/fd/{each}') and stat.S_ISSOCK(os.fstat(each).st_mode)])"
    )
    return subprocess.check_output([sys.executable, "-c", program], close_fds=False)


@mux.handler("report_twice", settings=PROCESS)
def report_twice(ctx, task):
    ctx.progress(1, 2)
    ctx.write_result(b"half")  # is answered once the first report is on its way
    ctx.progress(2, 2)  # written once a second: so this one is not written by itself
