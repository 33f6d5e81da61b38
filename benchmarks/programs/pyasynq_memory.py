"""pyasynq, as a program whose memory is measured; the roles of `pyasynq_roles` that need it."""

import asyncio
import gc
from typing import Any

from benchmarks.programs.pyasynq_handlers import bare_server
from benchmarks.programs.pyasynq_roles import until_finished
from benchmarks.programs.role import Meter, Parameters, on_worker_loop, play, resident_mb
from pyasynq import ServeMux, Task, TaskContext


def hold(address: str, given: Parameters) -> dict[str, Any]:
    """Run tasks that wait until all of them run, and somewhat longer."""
    return on_worker_loop(_hold(address, given))


async def _hold(address: str, given: Parameters) -> dict[str, Any]:
    mux, held, end = ServeMux(), asyncio.Semaphore(0), asyncio.Event()

    async def wait(_ctx: TaskContext, _task: Task) -> None:
        held.release()
        await end.wait()

    mux.handler("noop")(wait)
    async with bare_server(address, given).running(mux):
        gc.collect()
        before_mb = resident_mb()
        print("ready", flush=True)
        for _ in range(given["tasks"]):
            await held.acquire()
        await asyncio.sleep(given["hold_s"])
        held_mb = resident_mb()
        end.set()
    return {"before_mb": before_mb, "after_mb": held_mb}


def endure(address: str, given: Parameters) -> dict[str, Any]:
    """Run many no-op tasks; look at the memory early and late."""
    return on_worker_loop(_endure(address, given))


async def _endure(address: str, given: Parameters) -> dict[str, Any]:
    tasks, finished, mux = given["tasks"], asyncio.Event(), ServeMux()
    meter = Meter(tasks, finished.set)
    early_mb, left = 0.0, max(1, tasks // 10)

    async def noop(_ctx: TaskContext, _task: Task) -> None:
        nonlocal early_mb, left
        left -= 1
        if left == 0:
            early_mb = resident_mb()
        meter.tick()

    mux.handler("noop")(noop)
    async with bare_server(address, given).running(mux):
        await until_finished(address, given, finished)
        figures = meter.figures()
        return figures | {"before_mb": early_mb, "after_mb": resident_mb()}


if __name__ == "__main__":
    play(hold=hold, endure=endure)
