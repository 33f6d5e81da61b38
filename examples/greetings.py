"""A small application to try things out: `make dev` runs it, and restarts it when it changes.

While it runs, in another terminal, in this folder:

    ../.venv/bin/python greetings.py Ann Bob       greets both, and prints what the tasks return
    ../.venv/bin/pyasynq stats                     shows what is in the queues
"""

import asyncio
import sys

from pyasynq import App, TaskContext

app = App(name="greetings")


@app.task(retention=600, max_retry=3)
async def greet(ctx: TaskContext, name: str) -> str:
    """Take a moment, then greet."""
    await asyncio.sleep(0.2)
    greeting = f"hello {name}, from attempt {ctx.attempt}"
    print(greeting, flush=True)
    return greeting


if __name__ == "__main__":
    for handle in [greet.enqueue(name) for name in sys.argv[1:]]:
        print(handle.result(timeout=30))
