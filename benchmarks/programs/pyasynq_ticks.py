"""A scheduler of pyasynq, as a program that says how late its ticks are."""

import asyncio
import time
from typing import Any

from benchmarks.programs.role import Parameters, on_worker_loop, play
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.task import Task

AHEAD_S = 4  # for the start, until all entries are known
LOOK_S = 0.002  # how often the loop should have a turn


def tick(address: str, given: Parameters) -> dict[str, Any]:
    """Enqueue `ticks` ticks of one entry each second, or of `entries` that are due together."""
    return on_worker_loop(_tick(address, given))


async def _tick(address: str, given: Parameters) -> dict[str, Any]:
    entries, wanted = given["entries"], given["entries"] * given["ticks"]
    late_ms: list[float] = []
    due_s = int(time.time()) + AHEAD_S
    finished = asyncio.Event()

    def note(info: object, _error: object) -> None:
        now_s = time.time()
        if info is not None and now_s >= due_s:
            late_ms.append((now_s - due_s if entries > 1 else now_s % 1) * 1e3)
            if len(late_ms) == wanted:
                finished.set()

    scheduler = Scheduler(f"redis://{address}/0", name="ticks", post_enqueue=note)
    spec = f"{due_s % 60} * * * * *" if entries > 1 else "* * * * * *"
    for number in range(entries):
        scheduler.register(spec, Task("noop", b"{}"), key=str(number), seconds=True)
    async with scheduler.running():
        await asyncio.sleep(due_s - 1 - time.time())
        watching = asyncio.create_task(_longest_wait_s(finished))
        await finished.wait()
        held_up_s = await watching
    return {"late_ms": late_ms, "loop_ms": held_up_s * 1e3}


async def _longest_wait_s(finished: asyncio.Event) -> float:
    """Return for how long the loop gave nobody else a turn, at most, until it is finished."""
    longest_s = 0.0
    while not finished.is_set():
        began = time.perf_counter()
        await asyncio.sleep(LOOK_S)
        longest_s = max(longest_s, time.perf_counter() - began - LOOK_S)
    return longest_s


if __name__ == "__main__":
    play(tick=tick)
