"""Typed tasks from the enqueue to the result, on a real Redis."""

import json
import threading
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from pyasynq.app import App
from pyasynq.client_async import AsyncClient
from pyasynq.control_flow import RetryLater
from pyasynq.errors import TaskNotFoundError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.worker.handlers.context import TaskContext
from tests.support.eventually import eventually_async


@dataclass
class Receipt:
    user_id: int
    took: timedelta


def make_app(redis_url, **settings):
    return App(redis_url, task_defaults=EnqueueOptions(retention=60), **settings)


async def run_until(app, handle, state):
    """Run the worker of *app* until the task is in *state*; return its info."""
    async with app.server().running(app.mux):
        await eventually_async(lambda: handle.info().state == state)
    info = await handle.ainfo()
    await app.aclose()
    return info


async def enqueue_raw(app, redis_url, task, **options):
    async with AsyncClient(redis_url) as client:
        info = await client.enqueue(task, **options)
    return app.task_handle(info.queue, info.id)


async def test_a_coroutine_function_gets_its_arguments_and_its_result_is_kept(redis_url):
    app = make_app(redis_url)

    @app.task
    async def welcome(user_id: int, *, template: str = "plain") -> Receipt:
        return Receipt(user_id, timedelta(seconds=len(template)))

    handle = await welcome.aenqueue(42, template="html")

    info = await run_until(app, handle, "completed")
    assert info.payload == b'{"user_id":42,"template":"html"}'
    assert info.result == b'{"user_id":42,"took":4000000000}'


async def test_a_plain_function_runs_in_a_thread_with_the_context(redis_url):
    app = make_app(redis_url)

    @app.task
    def shout(ctx: TaskContext, data: bytes) -> bytes:
        is_main = threading.current_thread() is threading.main_thread()
        return f"{ctx.task_type} {is_main} {data.decode().upper()}".encode()

    handle = await shout.aenqueue(b"hi")

    info = await run_until(app, handle, "completed")
    assert info.result == b"shout False HI"


async def test_a_coroutine_function_gets_the_context(redis_url):
    app = make_app(redis_url)

    @app.task
    async def attempt(ctx: TaskContext) -> int:
        return ctx.attempt

    handle = await attempt.aenqueue()

    assert (await run_until(app, handle, "completed")).result == b"1"


async def test_an_alias_is_handled(redis_url):
    app = make_app(redis_url)

    @app.task("user:welcome", aliases=("welcome",))
    async def welcome(user_id: int) -> int:
        return user_id

    handle = await enqueue_raw(app, redis_url, Task("welcome", b'{"user_id":7}'), retention=60)

    assert (await run_until(app, handle, "completed")).result == b"7"


async def test_without_a_retention_the_result_is_not_even_encoded(redis_url):
    app = App(redis_url)

    @app.task
    async def odd() -> object:
        return object()

    handle = await odd.aenqueue()

    async with app.server().running(app.mux):
        await eventually_async(lambda: is_gone(handle))
    await app.aclose()


def is_gone(handle):
    try:
        handle.info()
    except TaskNotFoundError:
        return True
    return False


async def test_a_payload_that_does_not_fit_is_retried(redis_url):
    app = make_app(redis_url)

    @app.task
    async def welcome(user_id: int) -> None: ...

    handle = await enqueue_raw(app, redis_url, Task("welcome", b'{"user_id":"x"}'))

    info = await run_until(app, handle, "retry")
    assert info.last_error == "$.user_id: expected int, got str"


@pytest.mark.parametrize(
    ("of_app", "of_task", "state"),
    [
        ("retry", "archive", "archived"),
        ("archive", None, "archived"),
        ("archive", "retry", "retry"),
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
async def test_a_payload_that_does_not_fit_is_archived_where_that_is_asked_for(
    redis_url, of_app, of_task, state, is_async
):
    app = make_app(redis_url, on_invalid_payload=of_app)
    register = app.task("welcome", on_invalid_payload=of_task)
    if is_async:

        @register
        async def welcome(user_id: int) -> None: ...

    else:

        @register
        def welcome_plain(user_id: int) -> None: ...

    handle = await enqueue_raw(app, redis_url, Task("welcome", b"[]"))

    info = await run_until(app, handle, state)
    assert info.last_error == "$: expected object, got array"


@pytest.mark.parametrize(("of_app", "state"), [("retry", "retry"), ("archive", "archived")])
async def test_an_unknown_type_follows_the_same_rule(redis_url, of_app, state):
    app = make_app(redis_url, on_invalid_payload=of_app)

    handle = await enqueue_raw(app, redis_url, Task("unknown"))

    info = await run_until(app, handle, state)
    assert info.last_error == 'handler not found for task "unknown"'


async def test_the_limit_of_deferrals_is_that_of_the_task(redis_url):
    app = make_app(redis_url)

    @app.task(max_deferrals=0)
    async def later() -> None:
        raise RetryLater(0, "not yet")

    handle = await later.aenqueue()

    info = await run_until(app, handle, "retry")
    assert info.retried == 1


@pytest.mark.parametrize("is_async", [True, False])
async def test_why_a_task_was_put_off_is_its_last_error(redis_url, is_async):
    app = make_app(redis_url)

    if is_async:

        @app.task
        async def later() -> None:
            raise RetryLater(3600, "too many requests")
    else:

        @app.task
        def later() -> None:
            raise RetryLater(3600, "too many requests")

    handle = await later.aenqueue()

    info = await run_until(app, handle, "retry")
    assert (info.last_error, info.retried, info.last_failed_at) == ("too many requests", 0, None)


async def test_middlewares_stand_around_the_handler_and_see_its_result(redis_url):
    app = make_app(redis_url)
    seen = []

    @app.middleware
    async def outer(ctx, call_next):
        seen.append("outer")
        result = await call_next(ctx)
        seen.append(result)
        return result

    @app.middleware
    async def inner(ctx, call_next):
        seen.append("inner")
        return await call_next(ctx)

    @app.task
    def add(a: int, b: int) -> int:
        return a + b

    handle = await add.aenqueue(1, 2)

    await run_until(app, handle, "completed")
    assert seen == ["outer", "inner", b"3"]


@pytest.mark.parametrize("wrap", [lambda function: function, asynccontextmanager])
async def test_what_the_lifespan_yields_is_the_state(redis_url, wrap):
    app = make_app(redis_url)
    steps = []

    @wrap
    async def lifespan():
        steps.append("open")
        yield {"name": "shop"}
        steps.append("close")

    app.lifespan(lifespan)

    @app.task
    async def show(ctx: TaskContext) -> str:
        steps.append("run")
        return ctx.state["name"]

    handle = await show.aenqueue()

    info = await run_until(app, handle, "completed")
    assert info.result == b'"shop"'
    assert steps == ["open", "run", "close"]


async def test_a_handle_cancels_a_running_task(redis_url):
    app = make_app(redis_url)
    gate = threading.Event()

    @app.task
    async def wait() -> None:
        gate.set()
        await loop_for_ever()

    handle = await wait.aenqueue()

    async with app.server().running(app.mux):
        await eventually_async(gate.is_set)
        await eventually_async(handle.cancel)  # the server may not listen yet
        await eventually_async(lambda: handle.info().state == "retry")
    assert handle.info().last_error == "context canceled"
    assert await handle.acancel() == 0
    assert handle.cancel(then="drop") == 0
    await app.aclose()


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_handle_chooses_what_becomes_of_a_cancelled_task(redis_url, is_async):
    app = make_app(redis_url)
    gate = threading.Event()

    @app.task
    async def wait() -> None:
        gate.set()
        await loop_for_ever()

    async def cancel() -> None:
        if is_async:
            await handle.acancel(then="archive")
        else:
            handle.cancel(then="archive")

    handle = await wait.aenqueue()

    async with app.server().running(app.mux):
        await eventually_async(gate.is_set)
        while (await handle.ainfo()).state == "active":  # the server may not listen yet
            await cancel()
    assert handle.info().state == "archived"
    await app.aclose()


async def loop_for_ever():
    import asyncio  # noqa: PLC0415 - only here

    await asyncio.get_running_loop().create_future()


async def test_an_aggregator_puts_one_task_in_the_place_of_a_group(redis_url):
    app = App(redis_url, task_check_interval=0.01, group_grace_period=1)
    seen = []

    @app.task(group="digest:ann")
    async def news(text: str) -> None: ...

    @app.task
    async def send_digest(group: str, texts: list[str]) -> None:
        seen.append((group, texts))

    @app.aggregator("digest:*", max_size=2)
    def digest(group: str, tasks: list[Task]) -> Task | None:
        return send_digest.bind(group, [json.loads(task.payload)["text"] for task in tasks])

    async with app.server().running(app.mux):
        await news.options(task_id="a").aenqueue("one")
        await news.options(task_id="b").aenqueue("two")
        await eventually_async(lambda: seen)

    assert seen == [("digest:ann", ["one", "two"])]
