"""How many tasks can one process enqueue a second: one by one, together, in bulk?

    python benchmarks/enqueue.py [--rounds 5]

Rounds alternate between the forms; the medians are shown, each beside the blocking single call.
"""

import argparse
import asyncio
import time
from collections.abc import Callable
from statistics import median

from pyasynq import AsyncClient, Client, Task
from pyasynq.connection.embedded import EmbeddedServer

TASK = Task("noop", b'{"user_id":12345,"template":"welcome"}')
SINGLE, TOGETHER, BULK = 2_000, 1_000, 10_000


def one_by_one(client: Client, _url: str) -> int:
    """Enqueue with a blocking call each."""
    for _ in range(SINGLE):
        client.enqueue(TASK)
    return SINGLE


def in_bulk(client: Client, _url: str) -> int:
    """Enqueue with one call for all."""
    client.enqueue_many([TASK] * BULK)
    return BULK


def awaited(_client: Client, url: str) -> int:
    """Enqueue with an awaited call each."""
    return asyncio.run(_awaited(url))


def together(_client: Client, url: str) -> int:
    """Enqueue with a thousand concurrent calls."""
    return asyncio.run(_together(url))


async def _awaited(url: str) -> int:
    async with AsyncClient(url) as client:
        for _ in range(SINGLE):
            await client.enqueue(TASK)
    return SINGLE


async def _together(url: str) -> int:
    async with AsyncClient(url) as client:
        for _ in range(5):
            await asyncio.gather(*(client.enqueue(TASK) for _ in range(TOGETHER)))
    return 5 * TOGETHER


FORMS: tuple[Callable[[Client, str], int], ...] = (one_by_one, awaited, together, in_bulk)


def main() -> None:
    """Measure every form in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    server = EmbeddedServer.acquire()
    url = f"unix://{server.socket_path}"
    rates: dict[str, list[float]] = {form.__name__: [] for form in FORMS}
    with Client(url) as client:
        client.enqueue(TASK)
        for _ in range(rounds):
            for form in FORMS:
                started = time.perf_counter()
                count = form(client, url)
                rates[form.__name__].append(count / (time.perf_counter() - started))
    server.release()
    base = median(rates["one_by_one"])
    for name, found in rates.items():
        print(f"{name:<11} {median(found):8.0f} tasks/s   {median(found) / base:5.1f} times")


if __name__ == "__main__":
    main()
