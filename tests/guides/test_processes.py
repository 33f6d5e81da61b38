"""The guide to handlers in processes: its code is code that runs here."""

import os

from pyasynq import App, TaskContext
from pyasynq.testing import task_context

app = App()


@app.task(executor="process", timeout=600, retention=600)
def count_primes(ctx: TaskContext, below: int) -> tuple[int, int]:
    found = 0
    for number in range(2, below):
        found += all(number % each for each in range(2, int(number**0.5) + 1))
        if number % 10_000 == 0:
            ctx.progress(number, below)
    return found, os.getpid()


def test_primes_are_counted():
    with app.testing() as harness:
        handle = count_primes.enqueue(100)
        harness.run_pending(raises=True)

        assert handle.result() == (25, os.getpid())


async def test_the_function_runs_in_a_process_of_its_own(redis_url):
    app.reconfigure(redis_url)
    async with app.server().running(app.mux):
        handle = await count_primes.aenqueue(100)
        found, pid = await handle.aresult(timeout=60)
    await app.aclose()

    assert found == 25
    assert pid != os.getpid()


def test_the_function_alone():
    found, pid = count_primes(task_context(), 100)

    assert (found, pid) == (25, os.getpid())
