"""Work that a function only returns is done before its task is."""

import pytest

from pyasynq import retry
from pyasynq.errors import PayloadError
from pyasynq.functions.returned import finished, is_unfinished
from pyasynq.worker.handlers.mux import ServeMux
from tests.support import decorated
from tests.support.eventually import eventually_async
from tests.support.process_handlers import mux as processes

LATE = {"retry_delay": retry.fixed(3600)}


@pytest.fixture(autouse=True)
def nothing_done():
    decorated.done.clear()


@pytest.mark.parametrize("value", [None, 1, b"text", [], {}, object(), iter([])])
def test_plain_values_are_finished(value):
    assert not is_unfinished(value)


@pytest.mark.parametrize("make", decorated.MAKERS)
async def test_the_work_of_a_handler_of_a_mux_is_done_before_its_task(work, make):
    mux, function = ServeMux(), make()
    if is_async(function):

        @mux.handler("decorated")
        async def handle(ctx, task):
            return await function(7)

    else:

        @mux.handler("decorated")
        def handle(ctx, task):
            return function(7)

    async with work.serving(mux):
        info = await work.enqueue("decorated")
        await work.until(info, None)

    assert len(decorated.done) == 1


def is_async(function):
    import inspect  # noqa: PLC0415 - only here

    return inspect.iscoroutinefunction(function)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["returns_coroutine", "returns_future"])
async def test_the_work_that_a_handler_returns_in_a_process_is_done(work, kind):
    async with work.serving(processes):
        info = await work.enqueue(kind, retention=60)
        await work.until(info, "completed")

    assert work.redis.hget(f"asynq:{{default}}:t:{info.id}", "result") == b"done"


async def test_a_generator_is_no_work_that_is_done():
    with pytest.raises(PayloadError, match="returned a generator, which never runs"):
        await finished(decorated.generate(7))


async def test_the_work_that_an_error_handler_returns_is_done(work):
    mux = ServeMux()

    @mux.handler("fail")
    async def fail(ctx, task):
        raise ValueError

    def handle_error(ctx, task, error):
        return decorated.submitted(7)

    async with work.serving(mux, error_handler=handle_error, **LATE):
        await work.enqueue("fail")
        await eventually_async(lambda: decorated.done)

    assert decorated.done == ["now"]


async def test_the_work_that_a_listener_returns_is_done(work):
    mux = ServeMux()

    @mux.handler("email")
    async def email(ctx, task):
        pass

    @mux.listeners.register(("succeeded",))
    def listen(event):
        return decorated.later(7)

    async with work.serving(mux):
        await work.enqueue("email")
        await eventually_async(lambda: decorated.done)

    assert decorated.done == ["later"]
