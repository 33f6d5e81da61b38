"""A plain middleware in the threads of handlers: their database connections, replaced when stale.

python database.py

It uses the Redis that PYASYNQ_REDIS_URL names, else a private one, and ends by itself.
"""

import asyncio
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from pyasynq import App, CallNext, PlainCallNext, TaskContext
from pyasynq.options import EnqueueOptions

DATABASE = Path("orders.db")

app = App(
    os.environ.get("PYASYNQ_REDIS_URL", "embedded:"),
    name="database",
    task_defaults=EnqueueOptions(retention=60),
    thread_pool_size=1,
)
own = threading.local()


def connection() -> sqlite3.Connection:
    """Return the connection of this thread."""
    if not hasattr(own, "connection"):
        own.connection = sqlite3.connect(DATABASE)
    found: sqlite3.Connection = own.connection
    return found


@app.middleware
async def timing(ctx: TaskContext, call_next: CallNext) -> Any:
    """Run on the event loop, around everything else."""
    began = time.monotonic()
    try:
        return await call_next(ctx)
    finally:
        print(f"{ctx.task_type} took {time.monotonic() - began:.3f} s")


@app.middleware
def fresh_connection(ctx: TaskContext, call_next: PlainCallNext) -> Any:
    """Run in the thread of the handler: drop a connection that does not answer any more."""
    try:
        connection().execute("SELECT 1")
    except sqlite3.Error:
        del own.connection
    return call_next(ctx)


@app.task
def count() -> int:
    """Count the orders."""
    connection().execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER)")
    found: int = connection().execute("SELECT count(*) FROM orders").fetchone()[0]
    return found


@app.task
def restart() -> None:
    """Close the connection, as a restart of the database does."""
    connection().close()


async def main() -> None:
    """Count, lose the connection, and count again."""
    async with app.server().running(app.mux):
        for task in (count, restart, count):
            handle = await task.aenqueue()
            print(f"{task.type}: {await handle.aresult(timeout=20)}")
    await app.aclose()


if __name__ == "__main__":
    asyncio.run(main())
