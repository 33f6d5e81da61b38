"""Handles on tasks of which only the ID is known, and deleting tasks by their handles."""

import asyncio
from dataclasses import dataclass

import pytest

from pyasynq.app import App
from pyasynq.errors import (
    ConfigError,
    QueueNotFoundError,
    ResultNotKeptError,
    TaskNotFoundError,
    TaskStateError,
)
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task


@dataclass
class Receipt:
    number: int


@pytest.fixture
def app(redis_url):
    app = App(
        redis_url,
        queues={"default": 1, "mail": 1, "low": 1},
        task_defaults=EnqueueOptions(retention=60, max_retry=0),
        task_check_interval=0.01,
    )
    yield app
    app.close()


async def test_a_handle_by_id_gives_the_result_as_the_function_returned_it(app):
    @app.task(queue="mail")
    async def buy(number: int) -> Receipt:
        return Receipt(number)

    async with app.server().running(app.mux):
        enqueued = await buy.aenqueue(7)
        handle = buy.handle(enqueued.id)

        assert (handle.id, handle.queue) == (enqueued.id, "mail")
        assert await handle.aresult(20) == Receipt(7)
        assert await asyncio.to_thread(buy.handle(enqueued.id).result, 20) == Receipt(7)


def test_a_task_that_went_to_another_queue_is_found_by_its_id_alone(app):
    @app.task(queue="mail")
    def buy(number: int) -> Receipt: ...

    enqueued = buy.options(queue="rare", process_in=60).enqueue(7)
    handle = buy.handle(enqueued.id)

    assert handle.info().queue == "rare"
    assert handle.info().attempt == 1
    handle.delete()
    with pytest.raises(TaskNotFoundError):
        enqueued.info()


async def test_a_task_in_another_queue_is_found_by_async_code(app):
    @app.task(queue="mail")
    async def buy(number: int) -> Receipt: ...

    enqueued = await buy.options(queue="rare").aenqueue(7)
    handle = buy.handle(enqueued.id)

    assert (await handle.ainfo()).queue == "rare"
    assert await handle.acancel() == 0
    await handle.adelete()
    with pytest.raises(TaskNotFoundError):
        await enqueued.ainfo()


def test_a_task_of_another_type_with_the_same_id_is_not_meant(app):
    @app.task(aliases=["old:buy"])
    def buy(number: int) -> Receipt: ...

    @app.task
    def sell(number: int) -> Receipt: ...

    sell.options(task_id="1").enqueue(7)
    app.enqueue_many([(Task("old:buy", b'{"number":7}'), EnqueueOptions(queue="low", task_id="1"))])

    assert buy.handle("1").info().queue == "low"
    assert sell.handle("1").info().queue == "default"
    assert buy.handle("1", queue="default").info().type == "sell"


def test_of_two_tasks_that_may_be_meant_neither_is_taken(app):
    @app.task(queue="mail")
    def buy(number: int) -> Receipt: ...

    for queue in ("low", "rare"):
        buy.options(queue=queue, task_id="1").enqueue(7)

    with pytest.raises(ConfigError) as caught:
        buy.handle("1").delete()

    assert str(caught.value) == (
        "there are tasks with the ID '1' in queues 'low' and 'rare'; name one, as in "
        "handle('1', queue='low')"
    )
    assert buy.handle("1", "low").info().queue == "low"


def test_a_task_that_comes_later_is_found_then(app):
    @app.task
    def buy(number: int) -> Receipt: ...

    handle = buy.handle("1")
    with pytest.raises(QueueNotFoundError):
        handle.info()
    with pytest.raises(ResultNotKeptError):
        handle.result(0)
    buy.options(queue="rare", task_id="1").enqueue(7)

    assert handle.info().queue == "rare"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((" ",), "task_id"),
        (("a", ""), "queue"),
        (
            ("mail", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
            r"is the ID of a task; write handle\('6ba7b810-.*', 'mail'\)",
        ),
    ],
)
def test_wrong_names_of_a_handle_are_refused_at_once(app, arguments, text):
    @app.task
    def buy(number: int) -> Receipt: ...

    with pytest.raises(ConfigError, match=text):
        buy.handle(*arguments)


async def test_a_running_task_is_not_deleted(app):
    began, go_on = asyncio.Event(), asyncio.Event()

    @app.task
    async def buy(number: int) -> Receipt:
        began.set()
        await go_on.wait()
        return Receipt(number)

    async with app.server().running(app.mux):
        handle = await buy.aenqueue(7)
        await began.wait()
        with pytest.raises(TaskStateError, match="is active; cancel it"):
            await handle.adelete()
        go_on.set()

        assert await handle.aresult(20) == Receipt(7)
        await handle.adelete()
        with pytest.raises(ResultNotKeptError):
            await handle.aresult(0)


def test_deleting_a_task_frees_its_lock(app):
    @app.task(unique=600)
    def buy(number: int) -> Receipt: ...

    buy.enqueue(7).delete()

    assert buy.enqueue(7).info().state == "pending"
