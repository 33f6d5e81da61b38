"""A worker to be killed or stopped: its handlers write into a ledger.

    python worker_program.py URL LEDGER '{"concurrency": 20, ...}'

Types of tasks: "work" waits for as many milliseconds as its payload says; "block" blocks the
event loop for as long, "hold" the whole interpreter in its first attempt, and "hold apart" that of
a process of its own.
"""

import asyncio
import ctypes
import json
import os
import sys
import time

from pyasynq import ServeMux, Server, ServerConfig, TaskSettings, retry

ledger = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
mux = ServeMux()
hold_interpreter = ctypes.PyDLL(None).usleep  # of PyDLL: does not let go of it


def note(word, ctx):
    os.write(ledger, f"{word} {ctx.task_id} {os.getpid()}\n".encode())


@mux.handler("work")
async def work(ctx, task):
    note("start", ctx)
    await asyncio.sleep(int(task.payload) / 1000)
    note("end", ctx)


@mux.handler("block")
async def block(ctx, task):
    note("start", ctx)
    time.sleep(int(task.payload) / 1000)  # noqa: ASYNC251 - the fault
    note("end", ctx)


@mux.handler("hold")
def hold(ctx, task):
    note("start", ctx)
    if ctx.attempt == 1:
        hold_interpreter(int(task.payload) * 1000)
    note("end", ctx)


mux.add("hold apart", hold, settings=TaskSettings(executor="process"))


if __name__ == "__main__":
    url, _ledger, settings = sys.argv[1:]
    quick = {
        "lease_duration": 2,
        "heartbeat_interval": 0.5,
        "recover_interval": 0.5,
        "task_check_interval": 0.05,
        "delayed_task_check_interval": 0.1,
    }
    config = ServerConfig(retry_delay=retry.fixed(0.1), **{**quick, **json.loads(settings)})
    Server(url, config).run(mux)
