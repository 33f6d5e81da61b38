"""Plain middlewares and coroutine functions around a handler, in any order."""

import asyncio
import functools
import itertools
import sqlite3
import threading
import traceback
from contextvars import ContextVar

import pytest

from pyasynq import retry
from pyasynq.control_flow import SkipRetry
from pyasynq.errors import HandlerNotFoundError, ServerStateError
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings
from tests.support.eventually import eventually_async

LATE = {"retry_delay": retry.fixed(3600)}
COLOUR: ContextVar[str] = ContextVar("colour", default="none")
KINDS = ["loop", "thread"]
MIXTURES = [
    mixture
    for length in (1, 2, 3)
    for mixture in map("".join, itertools.product("pa", repeat=length))
    if "p" in mixture
] + ["papap"]


class Steps:
    """Middlewares of both kinds around handlers of both kinds, and a record of what ran where."""

    def __init__(self, mixture=""):
        self.mux, self.record, self.threads = ServeMux(), [], {}
        self.mux.add("loop", self.on_loop)
        self.mux.add("thread", self.in_thread)
        for place, kind in enumerate(mixture):
            self.mux.use(self.plain(place) if kind == "p" else self.coroutine(place))

    def note(self, what, where):
        self.record.append(what)
        self.threads.setdefault(where, set()).add(threading.get_ident())

    async def on_loop(self, ctx, task):
        self.note("begin", "loop")
        await asyncio.sleep(0)
        self.note("end", "loop")
        return b"done"

    def in_thread(self, ctx, task):
        self.note("begin", "thread")
        self.note("end", "thread")
        return b"done"

    def plain(self, place):
        def middleware(ctx, call_next):
            self.note(f"into {place}", "thread")
            result = call_next(ctx)
            self.note(f"out of {place}", "thread")
            return result + b"p"

        return middleware

    def coroutine(self, place):
        async def middleware(ctx, call_next):
            self.note(f"into {place}", "loop")
            result = await call_next(ctx)
            self.note(f"out of {place}", "loop")
            return result + b"a"

        return middleware


async def ran(work, mux, kind="loop", *, state="completed", **settings):
    """Run one task to its end, and return its info."""
    async with work.serving(mux, **{**LATE, **settings}) as server:
        info = await work.enqueue(kind, retention=60)
        await work.until_written(server, info, state)
    return info


def result_of(work, info):
    return work.redis.hget(f"asynq:{{{info.queue}}}:t:{info.id}", "result")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mixture", MIXTURES)
async def test_any_mixture_runs_in_its_order_and_all_that_is_plain_in_one_thread(
    work, kind, mixture
):
    steps, places = Steps(mixture), range(len(mixture))

    info = await ran(work, steps.mux, kind, thread_pool_size=1)

    inwards = [f"into {place}" for place in places]
    outwards = [f"out of {place}" for place in reversed(places)]
    assert steps.record == [*inwards, "begin", "end", *outwards]
    assert result_of(work, info) == b"done" + "".join(reversed(mixture)).encode()
    assert len(steps.threads["thread"]) == 1
    assert steps.threads["thread"].isdisjoint(steps.threads.get("loop", ()))
    assert steps.threads.get("loop", {threading.get_ident()}) == {threading.get_ident()}


@pytest.mark.parametrize("mixture", ["p", "pap", "app"])
async def test_many_tasks_share_few_threads(work, mixture):
    steps = Steps(mixture)

    async with work.serving(steps.mux, concurrency=20, thread_pool_size=2):
        infos = [await work.enqueue(kind) for kind in KINDS * 10]
        for info in infos:
            await work.until(info, None)

    assert steps.record.count("end") == 20
    assert len(steps.threads["thread"]) <= 2


async def test_a_middleware_heals_the_database_connection_of_the_threads_of_handlers(
    work, tmp_path
):
    own = threading.local()
    mux = ServeMux()

    def connection():
        if not hasattr(own, "connection"):
            own.connection = sqlite3.connect(tmp_path / "orders.db")
        return own.connection

    @mux.use
    def close_old_connection(ctx, call_next):
        try:
            connection().execute("SELECT 1")
        except sqlite3.ProgrammingError:
            del own.connection
        return call_next(ctx)

    @mux.handler("count")
    def count(ctx, task):
        return b"%d" % connection().execute("SELECT 41 + 1").fetchone()[0]

    @mux.handler("restart")
    def restart(ctx, task):
        connection().close()

    kinds = ["count", "restart", "count", "restart"]
    async with work.serving(mux, thread_pool_size=1, **LATE):
        infos = [await work.enqueue(each, retention=60) for each in kinds]
        for info in infos:
            await work.until(info, "completed")

    assert result_of(work, infos[2]) == b"42"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mixture", ["p", "pa", "ap", "papa"])
async def test_everyone_sees_the_very_error_of_the_handler_and_its_traceback(work, kind, mixture):
    seen = []
    mux = ServeMux()

    def see(error):
        names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        seen.append((error, "refuse" in names or "refuse_later" in names))

    def plain(ctx, call_next):
        try:
            return call_next(ctx)
        except LookupError as error:
            see(error)
            raise

    async def coroutine(ctx, call_next):
        try:
            return await call_next(ctx)
        except LookupError as error:
            see(error)
            raise

    @mux.handler("thread")
    def refuse(ctx, task):
        raise LookupError("no such order")

    @mux.handler("loop")
    async def refuse_later(ctx, task):
        raise LookupError("no such order")

    mux.use(*[plain if each == "p" else coroutine for each in mixture])
    info = await ran(work, mux, kind, state="retry")

    assert work.message(info).error_msg.startswith(
        "LookupError: no such order [tests/worker/execute/test_chain.py:"
    )
    assert len(seen) == len(mixture)
    assert {id(error) for error, _has_frame in seen} == {id(seen[0][0])}
    assert all(has_frame for _error, has_frame in seen)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_plain_middleware_decides_what_becomes_of_an_error(work, kind):
    mux = ServeMux()

    @mux.use
    def archive(ctx, call_next):
        try:
            return call_next(ctx)
        except ZeroDivisionError as error:
            raise SkipRetry("not divisible") from error

    mux.add("loop", divide_later)
    mux.add("thread", divide)
    info = await ran(work, mux, kind, state="archived")

    assert work.message(info).error_msg.startswith("SkipRetry: not divisible")


def divide(ctx, task):
    return 1 / 0


async def divide_later(ctx, task):
    return 1 / 0


@pytest.mark.parametrize("mixture", ["p", "ap", "pa", "pap"])
@pytest.mark.parametrize("how", ["timeout", "cancel"])
async def test_a_timeout_and_a_cancellation_reach_a_handler_on_the_loop(
    work, redis_url, mixture, how
):
    steps, started, ended = Steps(mixture), asyncio.Event(), []

    @steps.mux.handler("wait")
    async def wait(ctx, task):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(ctx.is_cancelled)

    async with work.serving(steps.mux, cancel_grace=20, **LATE), AsyncInspector(redis_url) as seen:
        await eventually_async(lambda: work.redis.pubsub_numsub("asynq:cancel")[0][1] == 1)
        info = await work.enqueue("wait", timeout=1 if how == "timeout" else 600)
        await started.wait()
        if how == "cancel":
            await seen.tasks.cancel(info.id)
        await work.until(info, "retry")

    assert ended == [True]
    assert not [each for each in steps.record if each.startswith("out")]


async def test_a_middleware_cleans_up_after_a_cancelled_handler(work, redis_url):
    mux, started, cleaned = ServeMux(), asyncio.Event(), []

    @mux.use
    def clean_up(ctx, call_next):
        try:
            return call_next(ctx)
        except asyncio.CancelledError:
            cleaned.append(threading.get_ident())
            raise

    @mux.handler("wait")
    async def wait(ctx, task):
        started.set()
        await asyncio.Event().wait()

    async with work.serving(mux, shutdown_timeout=0.01) as server:
        info = await work.enqueue("wait")
        await started.wait()
        server.stop()
        server.shutdown()
        await work.until(info, "pending")

    assert len(cleaned) == 1
    assert cleaned != [threading.get_ident()]


async def test_a_cancellation_that_comes_before_call_next_is_raised_by_it(work, redis_url):
    mux, started, ran_handlers = ServeMux(), threading.Event(), []

    @mux.use
    def slow(ctx, call_next):
        started.set()
        while not ctx.is_cancelled:
            threading.Event().wait(0.005)
        return call_next(ctx)

    @mux.handler("loop")
    async def handle(ctx, task):
        ran_handlers.append(task)

    async with work.serving(mux, cancel_grace=20, **LATE), AsyncInspector(redis_url) as seen:
        await eventually_async(lambda: work.redis.pubsub_numsub("asynq:cancel")[0][1] == 1)
        info = await work.enqueue("loop")
        await eventually_async(started.is_set)
        await seen.tasks.cancel(info.id)
        await work.until(info, "retry")

    assert ran_handlers == []


async def test_a_coroutine_that_a_cancellation_forestalls_is_closed(work, redis_url):
    mux, started = ServeMux(), threading.Event()

    @mux.use
    def in_disguise(ctx, call_next):
        started.set()
        while not ctx.is_cancelled:
            threading.Event().wait(0.005)
        return passes(ctx, call_next)  # a coroutine, which would warn if nobody closed it

    mux.add("loop", divide_later)
    async with work.serving(mux, cancel_grace=20, **LATE), AsyncInspector(redis_url) as seen:
        await eventually_async(lambda: work.redis.pubsub_numsub("asynq:cancel")[0][1] == 1)
        info = await work.enqueue("loop")
        await eventually_async(started.is_set)
        await seen.tasks.cancel(info.id)
        await work.until(info, "retry")

    assert work.message(info).error_msg == "context canceled"


async def test_the_loop_goes_on_while_a_plain_middleware_works(work):
    mux, may_end = ServeMux(), threading.Event()

    @mux.use
    def waits(ctx, call_next):
        if ctx.task_type == "first":
            assert may_end.wait(20)
        return call_next(ctx)

    async def handle(ctx, task):
        if ctx.task_type == "second":
            may_end.set()

    mux.add("first", handle)
    mux.add("second", handle)
    async with work.serving(mux, concurrency=2):
        infos = [await work.enqueue("first"), await work.enqueue("second")]
        for info in infos:
            await work.until(info, None)

    assert may_end.is_set()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inside", ["", "a", "p", "ap"])
async def test_context_variables_go_inwards_and_outwards(work, kind, inside):
    found, mux = {}, ServeMux()

    @mux.use
    async def outermost(ctx, call_next):
        result = await call_next(ctx)
        found["outside, reset"] = COLOUR.get()
        return result

    @mux.use
    def paint(ctx, call_next):
        token = COLOUR.set("red")
        result = call_next(ctx)
        found["after the handler"] = COLOUR.get()
        COLOUR.reset(token)
        return result

    @mux.handler("thread")
    def look(ctx, task):
        found["in the handler"] = COLOUR.get()
        COLOUR.set("blue")

    @mux.handler("loop")
    async def look_later(ctx, task):
        look(ctx, task)

    mux.use(*[passes_plainly if each == "p" else passes for each in inside])
    await ran(work, mux, kind)

    assert found == {
        "in the handler": "red",
        "after the handler": "blue",
        "outside, reset": "none",
    }


def passes_plainly(ctx, call_next):
    return call_next(ctx)


async def passes(ctx, call_next):
    return await call_next(ctx)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inside", ["", "a", "ap"])
async def test_a_plain_middleware_may_try_again_or_leave_the_handler_out(work, kind, inside):
    tries, mux = [], ServeMux()

    @mux.use
    def again(ctx, call_next):
        try:
            return call_next(ctx)
        except ConnectionError:
            return call_next(ctx)

    @mux.handler("thread")
    def flaky(ctx, task):
        tries.append(task)
        if len(tries) == 1:
            raise ConnectionError("stale")
        return b"second"

    @mux.handler("loop")
    async def flaky_later(ctx, task):
        return flaky(ctx, task)

    mux.use(*[passes_plainly if each == "p" else passes for each in inside])
    info = await ran(work, mux, kind)
    mux.use(lambda ctx, call_next: b"left out")
    other = await ran(work, mux, kind)

    assert [result_of(work, each) for each in (info, other)] == [b"second", b"left out"]
    assert len(tries) == 2


async def test_a_plain_function_that_stands_for_a_coroutine_function_is_one(work):
    mux, steps = ServeMux(), Steps()

    def decorated(function):
        @functools.wraps(function)
        def inner(*args):
            return function(*args)

        return inner

    steps.mux.use(decorated(passes), passes, decorated(steps.coroutine(0)), steps.plain(1))
    for kind in KINDS:
        info = await ran(work, steps.mux, kind)
        assert result_of(work, info) == b"donepa"

    assert mux.middlewares == []


@pytest.mark.parametrize("inner", [passes, passes_plainly])
async def test_call_next_belongs_to_the_thread_of_its_middleware(work, inner):
    mux, errors = ServeMux(), []

    @mux.use
    def strays(ctx, call_next):
        thread = threading.Thread(target=stray, args=(ctx, call_next))
        thread.start()
        thread.join()

    def stray(ctx, call_next):
        try:
            call_next(ctx)
        except ServerStateError as error:
            errors.append(str(error))

    mux.use(inner)
    mux.add("loop", divide_later)
    await ran(work, mux)

    assert errors == ["call call_next in the thread of the middleware itself"]


async def test_calls_of_call_next_that_overlap_fail_the_task(work):
    mux, handled = ServeMux(), []

    async def twice(ctx, call_next):
        return await asyncio.gather(call_next(ctx), call_next(ctx))

    @mux.handler("thread")
    def handle(ctx, task):
        handled.append(task)

    mux.use(passes_plainly, twice, passes_plainly)
    info = await ran(work, mux, "thread", state="retry")

    assert work.message(info).error_msg.startswith(
        "call_next is running already; await one call before the next"
    )


async def test_a_plain_middleware_sees_a_task_that_nothing_handles(work):
    mux, seen = ServeMux(), []

    @mux.use
    def look(ctx, call_next):
        try:
            return call_next(ctx)
        except HandlerNotFoundError as error:
            seen.append(error.task_type)
            raise

    info = await ran(work, mux, "unknown", state="retry")

    assert seen == ["unknown"]
    assert work.message(info).error_msg == 'handler not found for task "unknown"'


async def test_settings_of_a_handler_hold_inside_a_plain_middleware(work):
    mux = ServeMux()
    mux.use(passes_plainly)
    mux.add("loop", divide_later, settings=TaskSettings(retry_delay=retry.fixed(0)))

    async with work.serving(mux, **LATE):
        info = await work.enqueue("loop", max_retry=1)
        await work.until(info, "archived")

    assert work.message(info).retried == 1


async def test_what_is_bound_to_a_thread_is_around_what_runs_in_one(work):
    mux, seen = ServeMux(), []
    main = threading.get_ident()

    def around_thread(ctx, call_next):
        seen.append((ctx.task_type, "thread", threading.get_ident() == main))
        return call_next(ctx)

    async def around_coroutine(ctx, call_next):
        seen.append((ctx.task_type, "coroutine", threading.get_ident() == main))
        return await call_next(ctx)

    mux.around_threads.append(around_thread)
    mux.around_coroutines.append(around_coroutine)

    @mux.handler("plain")
    def plain(ctx, task):
        seen.append(("plain", "handler", threading.get_ident() == main))

    @mux.handler("loop")
    async def loop(ctx, task):
        seen.append(("loop", "handler", threading.get_ident() == main))

    for task_type in ("plain", "loop"):
        await ran(work, mux, task_type)

    assert seen == [
        ("plain", "thread", False),
        ("plain", "handler", False),
        ("loop", "coroutine", True),
        ("loop", "handler", True),
    ]


async def test_a_plain_middleware_of_a_coroutine_has_around_it_what_is_bound_to_a_thread(work):
    mux, seen = ServeMux(), []

    def around_thread(ctx, call_next):
        seen.append(("around", threading.get_ident()))
        return call_next(ctx)

    mux.around_threads.append(around_thread)

    @mux.use
    def look(ctx, call_next):
        seen.append(("look", threading.get_ident()))
        return call_next(ctx)

    @mux.handler("loop")
    async def loop(ctx, task): ...

    await ran(work, mux, "loop")

    (first, its_thread), (second, other) = seen
    assert (first, second, its_thread) == ("around", "look", other)
