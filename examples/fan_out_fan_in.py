"""Counts the words of a text in many tasks, and adds the counts up: twice, in two ways.

python fan_out_fan_in.py

The first way is for a program that waits: it enqueues a batch, and gathers the results. The second
is for one that does not: a last task asks whether all parts are done, and comes again later if they
are not, without taking a slot meanwhile. It uses the Redis that PYASYNQ_REDIS_URL names, else a
private one, and ends by itself.
"""

import asyncio
import os
from collections import Counter

from pyasynq import App, RetryLater, SkipRetry, TaskState

QUEUE = "words"
app = App(
    os.environ.get("PYASYNQ_REDIS_URL", "embedded:"),
    name="words",
    queues={QUEUE: 1},
    task_check_interval=0.1,
    delayed_task_check_interval=0.1,
)

Counts = dict[str, int]


@app.task("words:count", queue=QUEUE, max_retry=3, retention=600)
def count(lines: list[str]) -> Counts:
    """Count the words of one part; Redis keeps the result for the last task."""
    return Counter(word for line in lines for word in line.split())


@app.task("words:total", queue=QUEUE, max_retry=3, max_deferrals=1000, retention=600)
async def total(parts: list[str]) -> Counts:
    """Add the parts up when all of them are done.

    A part that has failed for good ends this, too. To wait costs no retry and no slot.
    """
    handles = [app.task_handle(QUEUE, part) for part in parts]
    infos = await asyncio.gather(*(handle.ainfo() for handle in handles))
    failed = [info for info in infos if info.state == TaskState.ARCHIVED]
    if failed:
        raise SkipRetry(f"{len(failed)} parts have failed, such as {failed[0].id}")
    left = sum(info.state != TaskState.COMPLETED for info in infos)
    if left:
        raise RetryLater(0.2, f"{left} parts are not done")
    return added([await handle.aresult() for handle in handles])


def added(counts: list[Counts]) -> Counts:
    """Add counts up."""
    whole: Counter[str] = Counter()
    for each in counts:
        whole.update(each)
    return dict(whole)


def split(lines: list[str], size: int) -> list[list[str]]:
    """Split a text into parts of so many lines."""
    return [lines[start : start + size] for start in range(0, len(lines), size)]


async def gathered(lines: list[str]) -> Counts:
    """Count the words, and wait for them."""
    batch = await count.aenqueue_many((part,) for part in split(lines, 100))
    await batch.await_done(timeout=60)
    results = await batch.aresults()
    failed = [result.error for result in results if result.error is not None]
    if failed:
        raise failed[0]
    return added([result.value for result in results if result.value is not None])


async def handed_over(lines: list[str]) -> str:
    """Count the words, and wait for nothing; return the ID of the task that has the total."""
    batch = await count.aenqueue_many((part,) for part in split(lines, 100))
    return (await total.aenqueue([handle.id for handle in batch])).id


async def main() -> None:
    """Count in both ways."""
    lines = ["to be or not to be", "that is the question"] * 500
    async with app.server().running(app.mux):
        print("gathered:   ", await gathered(lines))
        last = app.task_handle(QUEUE, await handed_over(lines))
        print("handed over:", await last.aresult(timeout=60))
    await app.aclose()


if __name__ == "__main__":
    asyncio.run(main())
