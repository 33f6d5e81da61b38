"""A server at work while something breaks, and a ledger outside Redis of what it ran."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.clock import Clock
from pyasynq.task import Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.eventually import eventually_async

# Leases are long: nothing here may count on being recovered. Outages are noticed quickly.
CALM = {
    "concurrency": 10,
    "task_check_interval": 0.05,
    "delayed_task_check_interval": 0.2,
    "heartbeat_interval": 0.5,
    "lease_duration": 15,
    "recover_interval": 1,
    "cancel_grace": 0.5,
    "shutdown_timeout": 5,
}
IMPATIENT = "?socket_timeout=0.4&connect_timeout=0.4"


class Shift:
    """A client, and the ledger of a server.

    Attributes:
        started, ended: how often the handler of each task has started and ended.
        ids: of the tasks whose enqueue call returned.
        pauses: by queue, the longest time between two ends of handlers.
        ended_of: by queue, how many handlers have ended.
    """

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.started: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.ids: list[str] = []
        self.last_end = time.monotonic()
        self.pauses: dict[str, float] = {}
        self.ended_of: Counter[str] = Counter()
        self._ended_at: dict[str, float] = {}

    async def enqueue(self, count: int, **options: Any) -> None:
        for _ in range(count):
            info = await self.client.enqueue(Task("work"), **options)
            self.ids.append(info.id)

    async def work(self, ctx: Any, _task: Task) -> None:
        self.started[ctx.task_id] += 1
        await asyncio.sleep(0.005)
        self.ended[ctx.task_id] += 1
        self.ended_of[ctx.queue] += 1
        now = self.last_end = time.monotonic()
        pause = now - self._ended_at.get(ctx.queue, now)
        self.pauses[ctx.queue] = max(pause, self.pauses.get(ctx.queue, 0.0))
        self._ended_at[ctx.queue] = now

    @property
    def lost(self) -> int:
        return len(set(self.ids) - set(self.ended))

    @property
    def duplicates(self) -> int:
        return self.started.total() - len(self.started)

    async def until(self, count: int) -> None:
        """Wait until *count* handlers have ended."""
        await eventually_async(lambda: len(self.ended) >= count, within_s=60)

    async def seconds_until_work(self) -> float:
        """Wait until another handler ends; return how long that took."""
        before, began = len(self.ended), time.monotonic()
        await self.until(before + 1)
        return round(time.monotonic() - began, 2)


@contextlib.asynccontextmanager
async def shift(
    url: str, *, client_url: str = "", clock: Clock | None = None, **settings: Any
) -> AsyncIterator[Shift]:
    """A server that runs tasks of type "work", and what it did."""
    async with AsyncClient(client_url or url, enqueue_patience=60) as client:
        here = Shift(client)
        mux = ServeMux()
        mux.handler("work")(here.work)
        server = Server(url, ServerConfig(**{**CALM, **settings}), clock=clock)
        async with server.running(mux):
            yield here


def repeated_lines(caplog: pytest.LogCaptureFixture) -> dict[tuple[Any, ...], int]:
    """Return what was logged more than once, whatever error the line ends with."""
    lines: Counter[tuple[Any, ...]] = Counter()
    for record in caplog.records:
        if record.name.startswith("pyasynq") and record.levelno >= logging.WARNING:
            arguments = record.args if isinstance(record.args, tuple) else ()
            lines[record.name, record.msg, *map(str, arguments[:-1])] += 1
    return {line: count for line, count in lines.items() if count > 1}
