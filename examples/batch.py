"""A batch job: checks the card numbers of 3,000 orders, shows how far it is, and sums up.

python batch.py [HOW MANY]

It uses the Redis that PYASYNQ_REDIS_URL names, else a private one, runs the tasks in its own
process, and ends by itself. In production, `pyasynq worker batch:app` runs the tasks elsewhere.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from pyasynq import App, Batch, BatchCounts, SkipRetry

app = App(
    os.environ.get("PYASYNQ_REDIS_URL", "embedded:"),
    name="batch",
    queues={"batch": 1},
    concurrency=50,
    log_failures="none",  # the summary tells
)


@dataclass
class Verdict:
    """What came out for one order."""

    order: int
    is_valid: bool


@app.task("order:check", queue="batch", max_retry=2, retention=600)
async def check(order: int, card: str) -> Verdict:
    """Check the last digit of a card number, as Luhn's formula has it."""
    if not card.isdigit():
        raise SkipRetry(f"order {order} has no card number")
    digits = [int(digit) for digit in reversed(card)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return Verdict(order, (sum(digits[::2]) + sum(doubled)) % 10 == 0)


def orders(count: int) -> Iterator[tuple[object, str]]:
    """Yield orders as a file might have them: one in 500 is broken, one in 700 lacks a card."""
    for order in range(1, count + 1):
        card = "none" if order % 700 == 0 else str(4_000_000_000_000_000 + order)
        yield ("n/a" if order % 500 == 0 else order), card


def show(counts: BatchCounts) -> None:
    """Show how far the batch is, in one line that is written again and again."""
    print(f"\r{counts.ended:6} of {counts.total}: {counts}", end="", flush=True)


async def summarise(batch: Batch[Verdict]) -> None:
    """Print what became of every order."""
    results = await batch.aresults()
    valid = sum(result.value.is_valid for result in results if result.value)
    failed = [result for result in results if result.handle and result.error]
    print(f"\n{valid} cards are valid, {len(batch) - valid - len(failed)} are not")
    print(f"{len(failed)} checks failed, such as {failed[0].error}" if failed else "none failed")
    for refused in batch.errors[:3]:
        print(f"not enqueued: row {refused.position}: {refused.error}")


async def main(count: int) -> None:
    """Enqueue the orders, run them here, and sum up."""
    async with app.server().running(app.mux):
        batch = await check.aenqueue_many(orders(count))
        await batch.await_done(timeout=300, progress=show)
        await summarise(batch)
    await app.aclose()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3_000))
