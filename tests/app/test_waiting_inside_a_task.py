"""A handler that waits for another task is warned, and stopped where that could never end."""

import asyncio
import threading
import warnings

import pytest

from pyasynq.app import App
from pyasynq.errors import ServerStateError, TaskFailedError
from pyasynq.options import EnqueueOptions
from pyasynq.worker.handlers.context import TaskContext

PARENTS = [
    "parent",
    "parent_in_a_thread",
    "parent_of_a_batch",
    "parent_of_a_batch_in_a_thread",
    "parent_of_results",
    "parent_of_results_in_a_thread",
]
ADVICE = "let the first task enqueue what follows"


@pytest.fixture
def warned():
    """The warnings so far; until there is one, no child ends."""

    class Warned(list[tuple[object, ...]]):
        def __init__(self):
            self.gate = threading.Event()

        def add(self, message, category, filename, *_args, **_more):
            self.append((category, filename, str(message)))
            self.gate.set()

    warned = Warned()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = warned.add
        yield warned


@pytest.fixture
def app(redis_url, warned):
    app = App(
        redis_url,
        task_defaults=EnqueueOptions(retention=60, max_retry=0),
        task_check_interval=0.01,
        concurrency=2,
    )

    @app.task
    async def child(n: int) -> int:
        await asyncio.to_thread(warned.gate.wait, 20)
        return n

    @app.task
    async def parent() -> int:
        handle = await child.aenqueue(1)
        return await handle.aresult(20)

    @app.task
    def parent_in_a_thread() -> int:
        return child.enqueue(1).result(20)

    @app.task
    async def parent_of_a_batch() -> int:
        batch = await child.aenqueue_many([1])
        return (await batch).completed

    @app.task
    def parent_of_a_batch_in_a_thread() -> int:
        return child.enqueue_many([1]).wait(20).completed

    @app.task
    async def parent_of_results() -> int | None:
        batch = await child.aenqueue_many([1])
        return (await batch.aresults(20))[0].value

    @app.task
    def parent_of_results_in_a_thread() -> int | None:
        return child.enqueue_many([1]).results(20)[0].value

    @app.task
    async def itself(ctx: TaskContext) -> None:
        await app.task_handle(ctx.queue, ctx.task_id).aresult()

    @app.task
    def itself_in_a_thread(ctx: TaskContext) -> None:
        app.task_handle(ctx.queue, ctx.task_id).result()

    @app.task
    async def late(queue: str, task_id: str) -> int:
        return await app.task_handle(queue, task_id).aresult()

    yield app
    app.close()


@pytest.mark.parametrize("name", PARENTS)
async def test_a_handler_that_waits_for_another_task_is_warned_once(app, warned, name):
    async with app.server().running(app.mux):
        handle = await app.tasks[name].aenqueue()

        assert await handle.aresult(20) == 1

    ((category, filename, text),) = warned
    assert (category, filename) == (RuntimeWarning, __file__)
    assert text.endswith(ADVICE)


@pytest.mark.parametrize("name", ["itself", "itself_in_a_thread"])
async def test_a_task_cannot_wait_for_itself(app, name):
    async with app.server().running(app.mux):
        handle = await app.tasks[name].aenqueue()
        with pytest.raises(TaskFailedError, match="a task cannot wait for its own result"):
            await handle.aresult(20)


async def test_the_result_of_a_task_that_is_done_is_read_without_a_warning(app, warned):
    warned.gate.set()
    async with app.server().running(app.mux):
        done = await app.tasks["child"].aenqueue(1)
        await done.aresult(20)
        handle = await app.tasks["late"].aenqueue(done.queue, done.id)

        assert await handle.aresult(20) == 1

    assert warned == []


@pytest.mark.parametrize("name", PARENTS)
def test_waiting_for_a_task_under_testing_is_an_error_since_it_would_never_end(app, warned, name):
    warned.gate.set()
    with app.testing() as harness:
        app.tasks[name].enqueue()
        first, _second = harness.run_pending()

    assert isinstance(first.error, ServerStateError)
    assert str(first.error).endswith(ADVICE)
