"""Results: waiting for them, decoding them, and why there may be none."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from pyasynq.app import App
from pyasynq.client_async import AsyncClient
from pyasynq.control_flow import SkipRetry
from pyasynq.errors import (
    ConfigError,
    PayloadError,
    ResultNotKeptError,
    ResultTimeoutError,
    ServerStateError,
    TaskFailedError,
)
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.worker.handlers.context import TaskContext


@dataclass
class Receipt:
    user_id: int
    took: timedelta


@pytest.fixture
def app(redis_url):
    app = App(
        redis_url,
        task_defaults=EnqueueOptions(retention=60, max_retry=0),
        task_check_interval=0.01,
    )
    yield app
    app.close()


async def test_a_result_comes_back_as_what_the_function_returns(app):
    @app.task
    async def welcome(user_id: int) -> Receipt:
        return Receipt(user_id, timedelta(seconds=1.5))

    @app.task
    def shout(text: bytes) -> bytes:
        return text.upper()

    @app.task
    async def nothing() -> None: ...

    async with app.server().running(app.mux):
        receipt = await welcome.aenqueue(42)
        shouted = await shout.aenqueue(b"hi")
        silent = await nothing.aenqueue()

        assert await receipt.aresult(20) == Receipt(42, timedelta(seconds=1.5))
        assert await shouted.aresult(20) == b"HI"
        assert await silent.aresult(20) is None
        assert await app.task_handle("default", receipt.id).aresult(0) == await receipt.aresult()
        assert await asyncio.to_thread(receipt.result, 20) == await receipt.aresult()


async def test_a_task_of_an_unknown_type_gives_plain_values(app, redis_url):
    async with AsyncClient(redis_url) as client:
        mux = app.mux

        @mux.handler("raw")
        async def raw(ctx, task):
            return task.payload

        async with app.server().running(mux):
            for payload, result in {b'{"a":[1]}': {"a": [1]}, b"\xff": b"\xff"}.items():
                info = await client.enqueue(Task("raw", payload), retention=60)
                assert await app.task_handle("default", info.id).aresult(20) == result


async def test_progress_is_seen_while_the_task_runs(app):
    written, go_on = asyncio.Event(), asyncio.Event()

    @app.task
    async def count(ctx: TaskContext) -> int:
        await ctx.awrite_result(b"50%")
        written.set()
        await go_on.wait()
        return 100

    async with app.server().running(app.mux):
        handle = await count.aenqueue()
        await written.wait()
        assert (await handle.ainfo()).result == b"50%"
        go_on.set()

        assert await handle.aresult(20) == 100


async def test_an_archived_task_says_why_it_failed(app):
    @app.task
    async def fail() -> None:
        raise SkipRetry("bad address")

    async with app.server().running(app.mux):
        handle = await fail.aenqueue()
        with pytest.raises(TaskFailedError, match="bad address") as caught:
            await handle.aresult(20)

    assert caught.value.task_id == handle.id


async def test_a_result_without_a_retention_is_not_kept(app):
    @app.task(retention=0)
    async def forget() -> int:
        return 1

    @app.task
    async def remember() -> int:
        return 1

    async with app.server().running(app.mux):
        handle = await forget.aenqueue()
        with pytest.raises(ResultNotKeptError, match="retention"):
            await handle.aresult(20)
        deleted = app.task_handle("default", (await remember.aenqueue()).id + "x")
        with pytest.raises(ResultNotKeptError, match="set retention to keep results"):
            await deleted.aresult(20)


async def test_a_task_that_is_not_done_in_time_goes_on(app):
    @app.task
    async def wait() -> None: ...

    handle = await wait.aenqueue()
    with pytest.raises(ResultTimeoutError, match=r"still pending after 0\.05 s") as caught:
        await handle.aresult(0.05)

    assert (await handle.ainfo()).state == caught.value.state == "pending"


async def test_a_result_that_does_not_fit_says_where(app, redis_url):
    @app.task
    async def add() -> int:
        return 1

    other = App(redis_url, task_check_interval=0.01)

    @other.task("add")
    async def another() -> str:
        return "text"

    handle = await add.aenqueue()
    async with other.server().running(other.mux):
        with pytest.raises(PayloadError, match="expected int, got str"):
            await handle.aresult(20)


async def test_waiting_inside_the_loop_is_refused(app):
    @app.task
    async def note() -> None: ...

    handle = await note.aenqueue()
    with pytest.raises(ServerStateError, match="await aresult"):
        handle.result(1)


@pytest.mark.parametrize("timeout", [-1, "1", float("nan")])
async def test_a_wrong_timeout_is_refused(app, timeout):
    @app.task
    async def note() -> None: ...

    handle = await note.aenqueue()
    with pytest.raises(ConfigError, match="timeout"):
        await handle.aresult(timeout)
