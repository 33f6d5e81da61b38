"""Handlers that do what no handler should: their task has a defined end, and nothing else does.

Each kind runs on a server of two slots. Afterwards both slots are free and there is no third one.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from pyasynq import retry
from pyasynq.client_async import AsyncClient
from pyasynq.errors import ConfigError, RetryLater
from pyasynq.worker.mux import ServeMux, TaskSettings
from tests.eventually import eventually_async
from tests.faults.figures import show
from tests.worker.workplace import Workplace

SLOTS = 2
DAY = {"retry_delay": retry.fixed(86_400)}


@pytest.fixture
async def work(redis_url, redis_client) -> AsyncIterator[Workplace]:
    async with AsyncClient(redis_url) as client:
        yield Workplace(redis_url, client, redis_client)


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Interrupting(Exception):
    def __str__(self):
        raise KeyboardInterrupt


class Leaving(Exception):
    def __str__(self):
        raise SystemExit(3)


class Clueless(Exception):
    """As proxies of remote errors are written: every attribute is looked up elsewhere."""

    def __getattr__(self, name):
        raise KeyError(name)


class Loquacious(str):
    __slots__ = ()

    def __format__(self, spec):
        raise RuntimeError("not in a text")

    def encode(self, *_arguments):
        return b"\xff\xfe"


class Odd(Exception):
    def __str__(self):
        return Loquacious("odd")


class Own(BaseException):
    pass


def call_itself():
    call_itself()


def too_much_memory():
    return bytearray(1 << 60)


def raising(error):
    def act():
        raise error

    return act


RAISED = {
    "sys.exit": (raising(SystemExit(3)), "SystemExit: 3 ["),
    "KeyboardInterrupt": (raising(KeyboardInterrupt()), "KeyboardInterrupt ["),
    "GeneratorExit": (raising(GeneratorExit()), "GeneratorExit ["),
    "an own BaseException": (raising(Own("mine")), "Own: mine ["),
    "StopIteration": (raising(StopIteration("end")), "StopIteration: end ["),
    "StopAsyncIteration": (raising(StopAsyncIteration("end")), "StopAsyncIteration: end ["),
    "CancelledError": (raising(asyncio.CancelledError()), "context canceled"),
    "no text": (raising(Unspeakable()), "Unspeakable: (its text cannot be made) ["),
    "a text that interrupts": (raising(Interrupting()), "Interrupting: (its text cannot be"),
    "a text that exits": (raising(Leaving()), "Leaving: (its text cannot be made) ["),
    "a text of an odd class": (raising(Odd()), "Odd: odd ["),
    "no attributes": (raising(Clueless("far away")), "Clueless: far away ["),
    "a huge text": (raising(ValueError("x" * 10_000_000)), "ValueError: xxxxxxxx"),
    "surrogates": (raising(ValueError("a\ud800b")), "ValueError: a\\ud800b ["),
    "bytes that are no text": (lambda: b"\xff".decode(), "UnicodeDecodeError: 'utf-8' codec"),
    "recursion": (call_itself, "RecursionError: maximum recursion depth exceeded"),
    "no memory": (too_much_memory, "MemoryError ["),
}


def mux_of(act, mode: str) -> ServeMux:
    """Return a mux with the bad handler, and a good one that says when it runs and waits."""
    mux = ServeMux()

    if mode == "thread":

        @mux.handler("bad")
        def plain(ctx, task):
            return act()

    else:

        @mux.handler("bad")
        async def on_loop(ctx, task):
            return act()

    return mux


class Slots:
    """A handler that holds its slot until told to end; counts how many do so."""

    def __init__(self, mux: ServeMux) -> None:
        self.held = self.most = 0
        self.release = asyncio.Event()
        mux.add("hold", self._hold)

    async def _hold(self, ctx, task) -> None:
        self.held += 1
        self.most = max(self.most, self.held)
        await self.release.wait()
        self.held -= 1

    async def are_all_free(self, work: Workplace) -> None:
        """Fill every slot, offer one task more, and let all end."""
        infos = [await work.enqueue("hold") for _ in range(SLOTS + 1)]
        await eventually_async(lambda: self.held == SLOTS)
        assert work.redis.llen("asynq:{default}:pending") == 1
        self.release.set()
        for info in infos:
            await work.until(info, None)
        assert self.most == SLOTS


@pytest.mark.parametrize("mode", ["loop", "thread"])
async def test_whatever_a_handler_raises_is_the_failure_of_its_task_alone(work, mode):
    texts = {}
    mux = ServeMux()
    for number, (act, _text) in enumerate(RAISED.values()):
        mux.add(f"bad:{number}", mux_of(act, mode).route("bad").handler)
    slots = Slots(mux)

    async with work.serving(mux, concurrency=SLOTS, **DAY):
        for number, kind in enumerate(RAISED):
            info = await work.enqueue(f"bad:{number}")
            await work.until(info, "retry")
            texts[kind] = work.message(info).error_msg
        await slots.are_all_free(work)

    for kind, (_act, text) in RAISED.items():
        assert texts[kind].startswith(text), kind
        assert len(texts[kind].encode()) <= 4096
        is_placed = kind == "CancelledError" or texts[kind].endswith("]")
        assert is_placed, f"{kind} does not say where: {texts[kind][-100:]}"
    show(
        f"handlers that raise ({mode})",
        tasks=len(RAISED) + SLOTS + 1,
        lost=0,
        duplicates=0,
    )
