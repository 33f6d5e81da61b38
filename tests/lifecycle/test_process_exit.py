"""A process ends with its worker, whatever the handlers have left running."""

import subprocess
import sys

import pytest

ANNOUNCE = "print('started', flush=True)"


ENDLESS = {
    "in a thread": f"""
def handle(ctx, task):
    {ANNOUNCE}
    time.sleep(600)""",
    "on the loop": f"""
async def handle(ctx, task):
    {ANNOUNCE}
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(600)""",
    "in asyncio.to_thread": f"""
async def handle(ctx, task):
    {ANNOUNCE}
    await asyncio.to_thread(time.sleep, 600)""",
    "in a thread of its own": f"""
async def handle(ctx, task):
    threading.Thread(target=time.sleep, args=[600]).start()
    {ANNOUNCE}
    await asyncio.sleep(600)""",
    "in a task of its own": f"""
async def handle(ctx, task):
    async def go_on():
        {ANNOUNCE}
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(600)
    mux.own = asyncio.create_task(go_on())
    await asyncio.sleep(600)""",
}


PROGRAM = """
import asyncio, contextlib, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pyasynq import Client, ServeMux, Server, ServerConfig, Task

mux, url, pool = ServeMux(), sys.argv[1], ThreadPoolExecutor()
{code}

with Client(url) as client:
    client.enqueue(Task("email"), task_id="one", **({} if mux.routes else {"group": "all"}))
config = ServerConfig(shutdown_timeout=0.1, cancel_grace=0.1, group_grace_period=1)
Server(url, config, lifespan=globals().get("lifespan")).run(mux)
print("closed", flush=True)
"""


def run_program(code, redis_url, *, says):
    """Run a worker in a process of its own, and stop it when it *says* a line."""
    command = [sys.executable, "-c", PROGRAM.replace("{code}", code), redis_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        try:
            assert program.stdout.readline().decode().strip() == says
            program.terminate()
            out, log = program.communicate(timeout=30)
        finally:
            program.kill()
    return program.returncode, out.decode(), log.decode()


@pytest.mark.parametrize("handler", ENDLESS.values(), ids=ENDLESS)
def test_a_handler_that_never_ends_does_not_keep_the_process(handler, redis_url, redis_client):
    code = handler + "\nmux.add('email', handle)"

    returncode, out, log = run_program(code, redis_url, says="started")

    assert (returncode, out) == (0, "")
    assert "exiting without them" in log
    assert redis_client.lrange("asynq:{default}:pending", 0, -1) == [b"one"]
    assert redis_client.zcard("asynq:servers") == 0


def test_an_aggregator_that_never_ends_does_not_keep_the_process(redis_url, redis_client):
    code = f"""
@mux.aggregator("*", grace_period=1)
def join(group, tasks):
    {ANNOUNCE}
    time.sleep(600)"""

    returncode, out, log = run_program(code, redis_url, says="started")

    assert (returncode, out) == (0, "")
    assert "exiting without them" in log
    assert redis_client.zcard("asynq:servers") == 0


LIFESPAN = """
@contextlib.asynccontextmanager
async def lifespan():
    print("starting", flush=True)
    await {waits}
    yield
"""


@pytest.mark.parametrize("waits", ["asyncio.sleep(600)", "asyncio.to_thread(time.sleep, 600)"])
def test_a_lifespan_that_never_comes_up_does_not_keep_the_process(waits, redis_url):
    code = LIFESPAN.replace("{waits}", waits)

    returncode, _out, log = run_program(code, redis_url, says="starting")

    assert returncode == 0
    assert "was stopped before it had started" in log


def test_threads_that_only_wait_for_work_do_not_end_the_program_of_the_user(redis_url):
    code = f"""
@mux.handler("email")
async def handle(ctx, task):
    await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 0)
    await asyncio.to_thread(time.sleep, 0)
    {ANNOUNCE}"""

    returncode, out, log = run_program(code, redis_url, says="started")

    assert (returncode, out) == (0, "closed\n")
    assert "exiting without them" not in log
