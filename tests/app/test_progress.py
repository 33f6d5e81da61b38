"""Progress: what a handler tells while it runs, and what others read of it."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest

from pyasynq.app import App
from pyasynq.control_flow import RetryLater, SkipRetry
from pyasynq.errors import ConfigError, TaskNotFoundError
from pyasynq.events.event import TaskEvent
from pyasynq.options import EnqueueOptions
from pyasynq.task import Progress
from pyasynq.worker.handlers.context import TaskContext
from tests.support.commands import Commands


@pytest.fixture
async def app(redis_url):
    app = App(
        redis_url,
        task_defaults=EnqueueOptions(retention=60, max_retry=0),
        task_check_interval=0.01,
    )
    yield app
    await app.aclose()


async def until(condition):
    """Wait until what *condition* returns, awaited, is true."""
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - Redis has no event for it
            await asyncio.sleep(0.01)


async def is_in(handle, state):
    return (await handle.ainfo()).state == state


def told(progress):
    return (progress.done, progress.total, progress.note, progress.attempt)


async def test_a_coroutine_function_tells_how_far_it_is(app):
    go_on = asyncio.Event()

    @app.task
    async def count(ctx: TaskContext) -> None:
        ctx.progress(3, 10, "pages")
        await go_on.wait()

    handle = await count.aenqueue()
    assert await handle.aprogress() is None
    async with app.server().running(app.mux):
        before = datetime.now(UTC)
        await until(handle.aprogress)
        progress = await asyncio.to_thread(handle.progress)
        go_on.set()
        await handle.aresult(20)

    assert told(progress) == (3, 10, "pages", 1)
    assert progress.fraction == 0.3
    assert abs((progress.at - before).total_seconds()) < 60
    assert await handle.aprogress() == progress


async def test_a_plain_function_tells_how_far_it_is_from_any_thread(app):
    go_on = threading.Event()

    @app.task
    def count(ctx: TaskContext) -> None:
        helper = threading.Thread(target=ctx.progress, args=(0.5,))
        helper.start()
        helper.join()
        go_on.wait(20)

    async with app.server().running(app.mux):
        handle = await count.aenqueue()
        await until(handle.aprogress)
        progress = await handle.aprogress()
        go_on.set()
        await handle.aresult(20)

    assert told(progress) == (0.5, None, "", 1)
    assert progress.fraction is None


@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize(
    ("ending", "state"),
    [(None, "completed"), (SkipRetry("no"), "archived"), (RetryLater(3600), "retry")],
    ids=str,
)
async def test_the_last_report_is_kept_however_the_attempt_ends(app, is_async, ending, state):
    def work(ctx):
        for number in range(1, 1_001):
            ctx.progress(number, 1_000)
        if ending is not None:
            raise ending

    if is_async:

        @app.task
        async def count(ctx: TaskContext) -> None:
            work(ctx)
    else:

        @app.task
        def count(ctx: TaskContext) -> None:
            work(ctx)

    async with app.server().running(app.mux):
        batch = await count.aenqueue_many([()] * 20)
        for handle in batch:
            await until(lambda h=handle: is_in(h, state))
            assert told(await handle.aprogress()) == (1_000, 1_000, "", 1)


async def test_a_thousand_reports_cost_few_writes(app, redis_server):
    @app.task
    async def count(ctx: TaskContext) -> None:
        for number in range(1_000):
            ctx.progress(number)
            await asyncio.sleep(0)

    with Commands(redis_server) as commands:
        async with app.server().running(app.mux):
            handle = await count.aenqueue()
            await handle.aresult(20)

        writes = [each for each in commands.texts() if '"done' in each.replace("\\", "")]
    assert 1 <= len(writes) <= 4


async def test_the_task_of_a_later_attempt_shows_which_attempt_told_it(app):
    @app.task(max_retry=1, retry_delay=lambda *_: 0)
    async def count(ctx: TaskContext) -> None:
        if ctx.attempt == 1:
            ctx.progress(9, 10)
            raise ValueError("again")

    async with app.server().running(app.mux):
        handle = await count.aenqueue()
        await handle.aresult(20)

    assert told(await handle.aprogress()) == (9, 10, "", 1)


async def test_a_task_that_another_worker_has_taken_over_tells_nothing(app, redis_client):
    began, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @app.on("lost")
    def note(event: TaskEvent) -> None:
        loop.call_soon_threadsafe(ended.set)

    @app.task
    async def count(ctx: TaskContext) -> None:
        began.set()
        await go_on.wait()
        ctx.progress(1)
        await asyncio.sleep(0)
        ctx.progress(2)

    loop = asyncio.get_running_loop()
    async with app.server().running(app.mux):
        handle = await count.aenqueue()
        await began.wait()
        redis_client.hset(f"asynq:{{default}}:t:{handle.id}", "owner", "another")
        go_on.set()
        async with asyncio.timeout(20):
            await ended.wait()

    assert await handle.aprogress() is None


async def test_a_task_that_is_gone_has_no_progress(app):
    @app.task(retention=0)
    async def count(ctx: TaskContext) -> None:
        ctx.progress(1)

    async with app.server().running(app.mux):
        handle = await count.aenqueue()
        await until(lambda: is_gone(handle))

    with pytest.raises(TaskNotFoundError):
        await handle.aprogress()


async def is_gone(handle):
    try:
        await handle.ainfo()
    except TaskNotFoundError:
        return True
    return False


def test_progress_is_read_in_tests_of_applications():
    app = App("redis://nowhere.invalid")

    @app.task(retention=60)
    def count(ctx: TaskContext) -> None:
        ctx.progress(5, 5, "done")

    with app.testing() as harness:
        handle = count.enqueue()
        (handled,) = harness.run_pending()

        assert handled.error is None
        assert told(handle.progress()) == (5, 5, "done", 1)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("3",), "done of a progress must be a number, not str"),
        ((True,), "done of a progress must be a number, not bool"),
        ((1, "2"), "total of a progress must be a number, not str"),
        ((-1,), "done of a progress must be from 0 to 9007199254740992, not -1"),
        ((float("nan"),), "done of a progress must be from 0 to 9007199254740992, not nan"),
        ((1, 2**60), "total of a progress must be from 0 to"),
        ((1, 2, 3), "the note of a progress must be text, not int"),
    ],
)
def test_what_is_no_progress_is_refused(arguments, text):
    app = App("redis://nowhere.invalid")

    @app.task(retention=60, max_retry=0)
    def count(ctx: TaskContext) -> None:
        ctx.progress(*arguments)

    with app.testing() as harness:
        handle = count.enqueue()
        (handled,) = harness.run_pending()

        assert isinstance(handled.error, ConfigError)
        assert str(handled.error).startswith(text)
        assert handle.progress() is None


@pytest.mark.parametrize(
    "stored", [b"", b"5", b"{", b'{"done":"x"}', b"\xff", b'{"total":5}', b'{"done":1e999}']
)
def test_what_is_no_progress_in_redis_is_read_as_none(redis_url, redis_client, stored):
    app = App(redis_url)

    @app.task
    def count() -> None: ...

    handle = count.enqueue()
    redis_client.hset(f"asynq:{{default}}:t:{handle.id}", "progress", stored)

    progress = handle.progress()
    assert progress is None or progress.done == float("inf")
    app.close()


def test_a_progress_at_an_odd_time_is_readable(redis_url, redis_client):
    app = App(redis_url)

    @app.task
    def count() -> None: ...

    handle = count.enqueue()
    key = f"asynq:{{default}}:t:{handle.id}"
    redis_client.hset(key, "progress", b'{"done":1,"at":9999999999999999999}')

    assert handle.progress().at.year == 2286
    app.close()


@pytest.mark.parametrize(
    ("done", "total", "fraction"), [(1, 4, 0.25), (5, 4, 1.0), (0, 0, 1.0), (3, None, None)]
)
def test_the_fraction_of_a_progress_is_from_0_to_1(done, total, fraction):
    at = datetime(2026, 1, 1, tzinfo=UTC)

    assert Progress(done=done, total=total, attempt=1, at=at).fraction == fraction
