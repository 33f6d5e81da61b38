"""Plain middlewares around handlers in processes of their own."""

import os

import pytest

from pyasynq import retry
from pyasynq.app import App
from pyasynq.errors import ConfigError
from pyasynq.worker.handlers.mux import ServeMux
from tests.support import process_middlewares
from tests.support.eventually import eventually_async
from tests.support.process_middlewares import PROCESS, handle, on_the_loop, outer, typed_task

pytestmark = pytest.mark.slow


async def words_of(work, mux, kind):
    """Run one task and return the words of its result, with each process by its name."""
    async with work.serving(mux):
        info = await work.enqueue(kind, retention=60)
        await work.until(info, "completed")
    result = work.redis.hget(f"asynq:{{{info.queue}}}:t:{info.id}", "result").decode()
    worker = str(os.getpid())
    return [
        "worker" if word == worker else "child" if word.isdigit() else word
        for word in result.split()
    ]


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_plain_middlewares_run_in_the_process_of_the_handler(work, kind):
    words = await words_of(work, process_middlewares.plain, kind)

    handled = ["handler", "child", "visitor", "of", kind]
    assert words == ["outer", "child", "inner", "child", *handled]


async def test_what_is_outside_of_a_coroutine_function_runs_in_the_worker(work):
    words = await words_of(work, process_middlewares.mixed, "plain")

    handled = ["handler", "child", "visitor", "of", "plain"]
    assert words == ["outer", "worker", "loop", "worker", "inner", "child", *handled]


async def test_a_coroutine_function_in_disguise_is_told_in_the_process_of_a_handler(work):
    async with work.serving(process_middlewares.decorated, retry_delay=retry.fixed(3600)):
        info = await work.enqueue("plain")
        await work.until(info, "retry")

    assert work.message(info).error_msg.startswith(
        "middleware 'standing_for_a_coroutine' is a plain function, but it returned coroutine; "
        "write `async def` for one that runs on the event loop"
    )


async def test_an_error_that_a_middleware_raises_in_the_process_is_that_of_the_task(work):
    async with work.serving(process_middlewares.translates, retry_delay=retry.fixed(3600)):
        info = await work.enqueue("divide")
        await work.until(info, "retry")

    assert work.message(info).error_msg.startswith(f"LookupError: {info.id} [")


async def test_a_middleware_of_an_app_runs_in_the_process_of_its_task(work):
    app = process_middlewares.typed
    app.reconfigure(work.url, process_pool_size=1)
    handle = await typed_task.aenqueue()

    async with app.server().running(app.mux):
        await eventually_async(lambda: handle.info().state == "completed")
    value = await handle.aresult()
    await app.aclose()

    assert value.startswith("process ")
    assert value != f"process {os.getpid()}"


async def test_no_handler_finds_the_context_variables_of_the_last_task_of_its_process(work):
    async with work.serving(process_middlewares.bare, process_pool_size=1):
        infos = [await work.enqueue("visits", retention=60) for _ in range(2)]
        for info in infos:
            await work.until(info, "completed")

    results = [work.redis.hget(f"asynq:{{default}}:t:{info.id}", "result") for info in infos]
    assert results == [b"nobody", b"nobody"]


def nested():
    def middleware(ctx, call_next):
        return call_next(ctx)

    return middleware


async def test_a_plain_middleware_that_a_process_cannot_find_is_named_at_the_start(work):
    mux = ServeMux()
    mux.use(nested())
    mux.add("plain", handle, settings=PROCESS)

    with pytest.raises(ConfigError) as caught:
        async with work.serving(mux):
            pass

    assert str(caught.value) == (
        "middleware 'middleware' is a plain function, so it runs in the processes of handlers, "
        "which can only find functions at the top level of a module; move it there, or make it a "
        "coroutine function, which runs in the worker"
    )


@pytest.mark.parametrize("others", [[on_the_loop], [outer, on_the_loop]])
async def test_a_plain_middleware_that_stays_in_the_worker_may_be_defined_anywhere(work, others):
    mux = ServeMux()
    mux.use(nested(), *others)
    mux.add("plain", handle, settings=PROCESS)

    words = await words_of(work, mux, "plain")

    assert words[-3:] == ["handler", "child", "nobody"]


async def test_a_plain_middleware_may_be_defined_anywhere_where_no_handler_has_a_process(work):
    app = App(work.url)
    app.middleware(nested())

    @app.task(retention=60)
    def double(n: int) -> int:
        return 2 * n

    handle = await double.aenqueue(21)
    async with app.server().running(app.mux):
        assert await handle.aresult(timeout=20) == 42
    await app.aclose()
