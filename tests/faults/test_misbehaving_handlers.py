"""Handlers that misbehave: their task has a defined end, and nothing else is harmed.

Each kind runs on a server of two slots. Afterwards exactly two slots are free.
"""

import asyncio
import sys
from datetime import timedelta

import pytest

from pyasynq import retry
from pyasynq.control_flow import RetryLater
from pyasynq.errors import ConfigError
from pyasynq.worker.handlers.mux import ServeMux
from tests.faults.figures import show
from tests.faults.slots import SLOTS, Slots
from tests.support.eventually import eventually_async
from tests.support.odd_errors import (
    Classless,
    Clueless,
    Groundless,
    Interrupting,
    Leaving,
    Odd,
    Unspeakable,
    Untouchable,
)

DAY = {"retry_delay": retry.fixed(86_400)}


class Own(BaseException):
    pass


def call_itself():
    call_itself()


def too_much_memory():
    return bytearray(1 << 60)


def raising(error):
    def act(*_arguments):
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
    "no text": (raising(Unspeakable()), "Unspeakable: (its message cannot be read) ["),
    "a text that interrupts": (raising(Interrupting()), "Interrupting: (its message cannot be"),
    "a text that exits": (raising(Leaving()), "Leaving: (its message cannot be read) ["),
    "a text of an odd class": (raising(Odd()), "Odd: odd ["),
    "no attributes": (raising(Clueless("far away")), "Clueless: far away ["),
    "a huge text": (raising(ValueError("x" * 10_000_000)), "ValueError: xxxxxxxx"),
    "surrogates": (raising(ValueError("a\ud800b")), "ValueError: a\\ud800b ["),
    "bytes that are no text": (b"\xff".decode, "UnicodeDecodeError: 'utf-8' codec"),
    "recursion": (call_itself, "RecursionError: maximum recursion depth exceeded"),
    "no memory": (too_much_memory, "MemoryError ["),
}


def mux_of(act, mode: str) -> ServeMux:
    """Return a mux with the bad handler, and a good one that announces its start and waits."""
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
        has_source_line = kind == "CancelledError" or texts[kind].endswith("]")
        assert has_source_line, f"{kind} does not say where: {texts[kind][-100:]}"
    kept = work.redis.zcard("asynq:{default}:retry")
    show(
        f"handler raises ({mode})",
        tasks=len(RAISED),
        lost=len(RAISED) - kept,
        duplicates=work.count("processed") - len(RAISED) - (SLOTS + 1),
    )
    assert kept == len(RAISED)
    assert work.count("processed") == len(RAISED) + SLOTS + 1


@pytest.mark.parametrize("mode", ["loop", "thread"])
@pytest.mark.parametrize("kind", [Classless, Groundless, Untouchable])
async def test_an_exception_that_cannot_be_looked_at_is_the_failure_of_its_task(work, kind, mode):
    slots = Slots(mux := mux_of(raising(kind()), mode))

    async with work.serving(mux, concurrency=SLOTS, **DAY):
        infos = [await work.enqueue("bad") for _ in range(2 * SLOTS)]
        for info in infos:
            await work.until(info, "retry")
        await slots.are_all_free(work)

    assert work.message(infos[0]).error_msg == (
        f"the handler raised a {kind.__name__}, which fails when it is looked at"
    )


POLICIES = {
    "is_failure exits": {"is_failure": lambda error: sys.exit(3)},
    "is_failure interrupts": {"is_failure": raising(KeyboardInterrupt())},
    "retry_delay exits": {"retry_delay": lambda retried, error, task: sys.exit(3)},
    "retry_delay is no duration": {"retry_delay": lambda retried, error, task: "soon"},
    "retry_delay is for ever": {"retry_delay": lambda retried, error, task: timedelta.max},
    "retry_delay is in the past": {"retry_delay": lambda retried, error, task: timedelta.min},
    "error_handler exits": {"error_handler": lambda ctx, task, error: sys.exit(3)},
    "error_handler interrupts": {"error_handler": raising(KeyboardInterrupt())},
}


@pytest.mark.parametrize("settings", POLICIES.values(), ids=POLICIES)
async def test_a_policy_that_misbehaves_harms_no_task(work, settings):
    attempts = []
    mux = ServeMux()
    slots = Slots(mux)

    @mux.handler("bad")
    async def bad(ctx, task):
        attempts.append(ctx.attempt)
        raise ValueError("bad")

    async with work.serving(mux, concurrency=SLOTS, **settings):
        info = await work.enqueue("bad", max_retry=1)
        await eventually_async(lambda: work.state(info) in ("retry", "archived"))
        await slots.are_all_free(work)

    assert work.message(info).error_msg.startswith("ValueError: bad [")
    assert attempts[0] == 1


async def test_a_task_that_is_put_off_for_ever_is_kept(work):
    mux = ServeMux()
    slots = Slots(mux)

    @mux.handler("bad")
    async def bad(ctx, task):
        raise RetryLater(timedelta.max)

    async with work.serving(mux, concurrency=SLOTS):
        info = await work.enqueue("bad")
        await work.until(info, "retry")
        await slots.are_all_free(work)


RETURNED = {
    "a dictionary": dict,
    "text": lambda: "done",
    "an exception": lambda: ValueError("returned"),
    "an exception class": lambda: ValueError,
}


@pytest.mark.parametrize("mode", ["loop", "thread"])
@pytest.mark.parametrize("make", RETURNED.values(), ids=RETURNED)
async def test_a_task_that_returns_garbage_is_done_without_a_result(work, make, mode):
    slots = Slots(mux := mux_of(make, mode))

    async with work.serving(mux, concurrency=SLOTS, **DAY):
        info = await work.enqueue("bad", retention=60)
        await work.until(info, "completed")
        await slots.are_all_free(work)

    assert work.message(info).error_msg.endswith(" is not bytes")


class Unbound:
    """Like the proxy of a request, outside of one."""

    @property
    def __class__(self):
        raise RuntimeError("bound to nothing")


class Aloof(type):
    def __getattr__(cls, name):
        raise KeyError(name)


class Unknown(metaclass=Aloof):
    """Its class knows no attribute, and says so in its own way."""


@pytest.mark.parametrize("mode", ["loop", "thread"])
@pytest.mark.parametrize("make", [Unbound, Unknown])
async def test_a_task_that_returns_what_cannot_be_looked_at_fails_alone(work, make, mode):
    slots = Slots(mux := mux_of(make, mode))

    async with work.serving(mux, concurrency=SLOTS, **DAY):
        for info in [await work.enqueue("bad") for _ in range(2 * SLOTS)]:
            await work.until(info, "retry")
        await slots.are_all_free(work)


def generate():
    yield b"never"


async def generate_later():
    yield b"never"


@pytest.mark.parametrize("mode", ["loop", "thread"])
@pytest.mark.parametrize("make", [generate, generate_later])
async def test_a_generator_that_nobody_runs_is_a_failure_without_a_result_too(work, make, mode):
    mux = mux_of(make, mode)

    async with work.serving(mux, **DAY):
        info = await work.enqueue("bad")
        await work.until(info, "retry")

    assert "returned a generator, which never runs" in work.message(info).error_msg


@pytest.mark.parametrize("function", [generate, generate_later])
def test_a_generator_function_is_refused_as_a_handler(function):
    with pytest.raises(ConfigError, match="handler of 'bad' is a generator function"):
        ServeMux().add("bad", function)


async def test_a_plain_function_around_a_coroutine_function_does_its_work(work):
    done = []
    mux = ServeMux()

    async def inner(ctx, task):
        await asyncio.sleep(0)
        done.append(ctx.task_id)

    mux.add("email", lambda ctx, task: inner(ctx, task))  # noqa: PLW0108 - the point of the test

    async with work.serving(mux):
        info = await work.enqueue("email")
        await work.until(info, None)

    assert done == [info.id]
