"""Connections to databases around handlers, in a worker with threads of its own."""

import threading
import weakref

import pytest
from asgiref.sync import SyncToAsync
from django.db import connection, connections
from django.db.backends.signals import connection_created

from pyasynq.contrib.django import App
from pyasynq.contrib.django.connections import CoroutineThread
from tests.support import django_project
from tests.support.django_shop.models import Order
from tests.support.django_shop.tasks import aconfirm, confirm, count_in_a_process
from tests.support.eventually import eventually

TASKS = 40
SLOTS = 4


@pytest.fixture
def made():
    """The connections that were made, by thread; each is a place that outlives its connection."""
    made, real = [], []

    def note(connection, **_more):
        made.append((threading.get_ident(), weakref.ref(connection)))
        real.append(connection.connection)

    connection_created.connect(note)
    yield made
    connection_created.disconnect(note)
    for each in real:  # those of threads that have ended
        each.close()


@pytest.fixture
def max_age(monkeypatch):
    """Says for how long connections are kept, in threads that have none yet."""

    def say(seconds):
        monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", seconds)

    return say


@pytest.fixture
def make_app(database, redis_url):
    made = []

    def make(**keywords):
        app = App(redis_url, concurrency=SLOTS, **keywords)
        made.append(app)
        return app

    yield make
    for each in made:
        each.close()


def open_ones(made):
    """Return how many of the connections are open."""
    wrappers = {ref() for _thread, ref in made} - {None}
    return sum(each.connection is not None for each in wrappers)


def touch() -> int:
    """Use the database."""
    return Order.objects.count()


def touch_and_age() -> None:
    """Use the database, and let the connection be older than it may be."""
    Order.objects.count()
    connection.close_at = 0


async def atouch() -> int:
    """Use the database."""
    return await Order.objects.acount()


async def run(app, task, count=TASKS):
    batch = await task.aenqueue_many([()] * count)
    async with app.worker().running():
        counts = await batch
        assert counts.archived == 0
    await app.aclose()


async def test_threads_keep_no_connection_that_may_not_live(make_app, made, max_age):
    max_age(0)
    app = make_app()

    await run(app, app.task(touch))

    assert len(made) == TASKS
    assert open_ones(made) == 0


async def test_threads_share_out_connections_that_live_on(make_app, made, max_age):
    max_age(None)
    app = make_app()

    await run(app, app.task(touch))

    assert 1 <= len(made) <= SLOTS
    assert len({thread for thread, _ref in made}) == len(made)


async def test_a_connection_that_is_too_old_is_replaced(make_app, made, max_age):
    max_age(3600)
    app = make_app()

    await run(app, app.task(touch_and_age), count=3)

    assert len(made) == 3
    assert open_ones(made) == 0


async def test_coroutines_share_one_thread_that_keeps_no_connection(make_app, made, max_age):
    max_age(0)
    app = make_app()

    await run(app, app.task(atouch))

    assert {thread for thread, _ref in made} == {made[0][0]}
    eventually(lambda: open_ones(made) == 0)


async def test_plain_middlewares_have_fresh_connections_too(make_app, made, max_age):
    max_age(0)
    app = make_app()

    @app.middleware
    def counting(ctx, call_next):
        touch()
        return call_next(ctx)

    await run(app, app.task(atouch), count=4)

    eventually(lambda: open_ones(made) == 0)


def test_an_aggregator_has_fresh_connections(make_app, made, max_age):
    app = make_app()

    @app.aggregator("mail")
    def together(group, tasks):
        touch_and_age()

    with app.testing() as harness:
        app.task(touch).options(group="mail").enqueue()
        harness.run_all()

    assert (len(made), open_ones(made)) == (1, 0)


def test_a_transaction_of_a_test_is_left_alone(harness):
    from django.db import transaction

    with transaction.atomic():
        order = Order.objects.create(item="tea")
        confirm.options(retention=60).enqueue(order.pk)
        connection.close_at = 0
    with transaction.atomic():
        harness.run_pending(raises=True)
        assert Order.objects.get().is_confirmed


@pytest.mark.slow
async def test_a_process_of_a_handler_sets_django_up_and_has_fresh_connections(
    on_redis, monkeypatch
):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", django_project.SETTINGS)
    await Order.objects.acreate(item="tea")
    async with on_redis.worker().running():
        first = await (await count_in_a_process.aenqueue()).aresult(20)
        second = await (await count_in_a_process.aenqueue()).aresult(20)
    await on_redis.aclose()

    assert first == second == (1, True)


async def test_a_coroutine_that_uses_the_models_runs_under_a_worker(on_redis):
    order = await Order.objects.acreate(item="tea")
    async with on_redis.worker().running():
        handle = await aconfirm.aenqueue(order.pk)
        assert await handle.aresult(10) == 1
    await on_redis.aclose()


def test_requests_to_close_what_is_stale_are_one_until_the_thread_is_at_it():
    let_go, calls = threading.Event(), []
    thread = CoroutineThread()
    thread._close = lambda: calls.append(1)
    blocked = SyncToAsync.single_thread_executor.submit(let_go.wait)

    for _each in range(5):
        thread.close_stale()
    let_go.set()
    blocked.result()
    SyncToAsync.single_thread_executor.submit(int).result()

    assert calls == [1]
