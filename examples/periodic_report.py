"""Makes a report each working day, of sales that come in all the time, and once now.

python periodic_report.py

Every worker schedules the periodic tasks, and each tick makes one task. The report is due at seven
in the morning in Berlin, whatever the summer does to clocks; `pyasynq cron ls` shows when, and
`pyasynq cron run ID` makes one now, as this program does. It uses the Redis that PYASYNQ_REDIS_URL
names, else a private one, and ends by itself.
"""

import asyncio
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass

from pyasynq import App, AsyncInspector, TaskContext, TaskEvent

SOURCE = os.environ.get("PYASYNQ_REDIS_URL", "embedded:")
DATABASE = os.environ.get("SALES", "sales.db")

app = App(SOURCE, name="sales", task_check_interval=0.1)


@dataclass
class Report:
    """What was sold until now."""

    sales: int
    total: int


@app.periodic("@every 1s", key="sale", overlap="skip")
def sell(ctx: TaskContext) -> None:
    """Book a sale each second; the ID of the task keeps a second run from booking it twice."""
    with closing(opened()) as database, database:
        database.execute("INSERT OR IGNORE INTO sales VALUES (?, 20)", (ctx.task_id,))


# If no worker runs at seven, the report is made once, when one starts, within four hours.
@app.periodic(
    "0 7 * * mon-fri",
    timezone="Europe/Berlin",
    key="report",
    missed="once",
    missed_within=4 * 3600,
    max_retry=5,
    retention=86_400,
)
def report() -> Report:
    """Sum up what was sold."""
    with closing(opened()) as database, database:
        sales, total = database.execute("SELECT count(*), sum(amount) FROM sales").fetchone()
    return Report(sales, total or 0)


sold: asyncio.Queue[str] = asyncio.Queue()  # by the worker in this process, for `main`


@app.on("succeeded")
async def on_success(event: TaskEvent) -> None:
    """Notice each task that is done."""
    await sold.put(event.task_id)


def opened() -> sqlite3.Connection:
    """Open the database."""
    database = sqlite3.connect(DATABASE)
    database.execute("CREATE TABLE IF NOT EXISTS sales (task TEXT PRIMARY KEY, amount INTEGER)")
    return database


async def main() -> None:
    """Work until three sales are booked, then make a report without waiting for the morning."""
    async with app.worker().running(), AsyncInspector(SOURCE) as inspector:
        for _ in range(3):
            await sold.get()
        entries = await inspector.schedulers.entries()
        entry = next(each for each in entries if each.task_type == "report")
        print(f"the next report is due at {entry.next_enqueue_at}")
        info = await inspector.schedulers.run(entry.id)
        made = await app.task_handle(info.queue, info.id).aresult(timeout=20)
        print(f"now: {made.sales} sales, {made.total} in all")
    await app.aclose()


if __name__ == "__main__":
    asyncio.run(main())
