"""One App in threads, forks and event loops that come and go."""

import asyncio
import gc
import threading

import pytest

from pyasynq.app import App
from tests.support.forks import in_fork
from tests.support.redis_server import RedisServer


@pytest.fixture
def app(redis_url):
    app = App(redis_url)
    yield app
    app.close()


@pytest.fixture
def clients(app):
    return app._clients


def loops_of(clients):
    return clients._process.loops


@pytest.fixture
def note(app):
    @app.task
    def note(number: int) -> None: ...

    return note


def pending(redis_client):
    return redis_client.llen("asynq:{default}:pending")


def test_enqueue_is_blocking(note, redis_client):
    handle = note.enqueue(1)

    assert handle.info().state == "pending"
    assert pending(redis_client) == 1


def test_an_option_of_the_call_reaches_redis(note):
    handle = note.options(queue="low", process_in=3600, task_id="a").enqueue(1)

    assert (handle.queue, handle.id) == ("low", "a")
    assert handle.info().state == "scheduled"


def test_all_threads_share_one_client(app, note, redis_client, clients):
    first = clients.client()

    threads = [threading.Thread(target=note.enqueue, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert pending(redis_client) == 8
    assert clients.client() is first


async def test_all_calls_on_a_loop_share_one_client(app, note, redis_client, clients):
    await asyncio.gather(*(note.aenqueue(n) for n in range(8)))

    assert pending(redis_client) == 8
    assert len(loops_of(clients)) == 1
    await app.aclose()


async def test_calls_that_open_the_client_together_get_the_same(app, clients):
    opened = await asyncio.gather(*(clients.async_client() for _ in range(4)))

    assert len(set(opened)) == 1
    await app.aclose()


def test_a_loop_that_ends_closes_its_connections(app, note, redis_client, clients):
    before = redis_client.info("clients")["connected_clients"]

    for number in range(3):
        handle = asyncio.run(note.aenqueue(number))
        asyncio.run(handle.ainfo())

    assert pending(redis_client) == 3
    assert loops_of(clients) == {}
    assert redis_client.info("clients")["connected_clients"] == before


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_closed_without_ceremony_is_forgotten(app, note, redis_client, clients):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(note.aenqueue(1))
    loop.close()
    assert list(loops_of(clients)) == [loop]

    asyncio.run(note.aenqueue(2))

    assert loops_of(clients) == {}
    assert pending(redis_client) == 2
    gc.collect()


def test_loops_of_two_threads_do_not_meet(app, note, redis_client, clients):
    barrier = threading.Barrier(2)
    loops = []

    async def enqueue():
        await note.aenqueue(1)
        await asyncio.to_thread(barrier.wait)
        loops.append(len(loops_of(clients)))
        await asyncio.to_thread(barrier.wait)

    threads = [threading.Thread(target=asyncio.run, args=(enqueue(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert loops == [2, 2]
    assert loops_of(clients) == {}
    assert pending(redis_client) == 2


def test_a_fork_has_connections_of_its_own(app, note, redis_client, clients):
    note.enqueue(1)
    parents = clients.client()

    def work():
        note.enqueue(2)
        assert clients.client() is not parents
        asyncio.run(note.aenqueue(3))
        app.close()

    assert in_fork(work)
    note.enqueue(4)
    assert clients.client() is parents
    assert pending(redis_client) == 4


def test_a_fork_while_the_lock_is_held_does_not_hang(app, note, redis_client, clients):
    note.enqueue(1)

    with clients._process.lock:
        assert in_fork(lambda: note.enqueue(2))

    assert pending(redis_client) == 2


async def test_a_fork_inside_a_running_loop_has_connections_of_its_own(app, note, redis_client):
    await note.aenqueue(1)

    assert in_fork(lambda: note.enqueue(2) and None)

    await note.aenqueue(3)
    assert pending(redis_client) == 3
    await app.aclose()


async def test_enqueue_inside_a_loop_works_and_warns_once(note, redis_client):
    with pytest.warns(RuntimeWarning, match="task 'note' blocks the event loop") as caught:
        note.enqueue(1)
    note.enqueue(2)  # a second warning would be an error

    assert [warning.filename for warning in caught] == [__file__]
    assert pending(redis_client) == 2


def test_a_closed_app_opens_again(app, note, redis_client):
    note.enqueue(1)
    app.close()

    note.enqueue(2)

    assert pending(redis_client) == 2


async def test_a_closed_app_opens_again_on_its_loop(app, note, redis_client):
    await note.aenqueue(1)
    await app.aclose()

    await note.aenqueue(2)

    assert pending(redis_client) == 2
    await app.aclose()


def test_an_app_survives_a_restart_of_redis(own_redis: RedisServer):
    app = App(own_redis.url)

    @app.task
    def note(number: int) -> None: ...

    note.enqueue(1)
    own_redis.kill()
    own_redis.start()

    note.enqueue(2)
    app.close()
    client = own_redis.client()
    assert pending(client) == 1
    client.close()


async def test_the_largest_payload_of_an_app_counts_for_both_its_clients(redis_url, caplog):
    app = App(redis_url, max_payload_size=100)

    @app.task("one")
    def one(data: bytes) -> None: ...

    @app.task("two")
    def two(data: bytes) -> None: ...

    app.reconfigure(max_payload_size=10)
    await asyncio.to_thread(one.enqueue, bytes(11))
    await two.aenqueue(bytes(11))
    await app.aclose()

    logged = [each.task_type for each in caplog.records if each.name == "pyasynq.payload_size"]
    assert logged == ["one", "two"]
