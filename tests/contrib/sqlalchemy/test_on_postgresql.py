"""The same on PostgreSQL: rows are locked, relays share the work, and an outage repeats nothing."""

import threading

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from pyasynq.contrib.sqlalchemy import Relay, enqueue_after_commit
from tests.contrib.sqlalchemy.postgresql import PostgreSQL
from tests.contrib.sqlalchemy.shop import Base, Order, app, fill, items, outbox, ship, waiting
from tests.support.eventually import eventually_async

pytest.importorskip("psycopg")
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = PostgreSQL(tmp_path_factory.mktemp("postgresql"))
    yield server
    server.stop()


@pytest.fixture
def database(server):
    return server.url


@pytest.fixture
def engine(server):
    engine = create_engine(server.url)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def two_phases(tmp_path_factory):
    """An engine of a server that takes prepared transactions."""
    server = PostgreSQL(tmp_path_factory.mktemp("two"), "-c", "max_prepared_transactions=5")
    engine = create_engine(server.url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()
    server.stop()


def shipped(harness) -> list[str]:
    return [each.arguments["item"] for each in harness.tasks()]


def test_a_relay_skips_the_rows_that_another_one_has_locked(engine):
    fill(engine, *"abcdef")
    other = threading.Thread(target=Relay(outbox, engine, batch_size=4).run_once)
    is_locked, may_go_on = threading.Event(), threading.Event()

    @event.listens_for(engine, "before_cursor_execute")
    def hold(_connection, _cursor, statement, *_more):
        if statement.startswith("DELETE") and threading.current_thread() is other:
            is_locked.set()
            may_go_on.wait(60)

    with app.testing() as harness:
        other.start()
        is_locked.wait(60)
        moved = Relay(outbox, engine).run_once()
        may_go_on.set()
        other.join()

        assert (moved.moved, waiting(engine)) == (2, 0)
        assert shipped(harness) == [*"abcdef"]


async def test_relays_share_the_work_and_move_each_row_once(engine, server):
    fill(engine, *(f"{number}" for number in range(500)))
    engines = [create_async_engine(server.url) for _ in range(3)]
    async with app.testing() as harness:
        relays = [Relay(outbox, each, batch_size=7, poll_interval=0.01) for each in engines]
        async with relays[0].running(), relays[1].running(), relays[2].running():
            await eventually_async(lambda: waiting(engine) == 0)

        assert sorted(map(int, shipped(harness))) == [*range(500)]
    for each in engines:
        await each.dispose()


async def test_savepoints_and_async_sessions_are_right(engine, server):
    made = create_async_engine(server.url)
    async with app.testing() as harness:
        async with AsyncSession(made) as session, session.begin():
            session.add(Order(item="tea"))
            enqueue_after_commit(session, ship, "tea")
            with pytest.raises(KeyError):
                async with session.begin_nested():
                    await outbox.aenqueue(session, ship, "cup")
                    enqueue_after_commit(session, ship, "cup")
                    raise KeyError
            await outbox.aenqueue(session, ship, "pot")
        await Relay(outbox, made).arun_once()

        assert shipped(harness) == ["tea", "pot"]
    await made.dispose()
    assert (items(engine), waiting(engine)) == (["tea"], 0)


def test_a_database_that_dies_between_write_and_delete_repeats_nothing(engine, server):
    fill(engine, "tea", "cup")
    dying = create_engine(server.url, pool_pre_ping=True)

    @event.listens_for(dying, "before_cursor_execute")
    def die(_connection, _cursor, statement, *_more):
        if statement.startswith("DELETE") and not died:
            died.append(True)
            server.stop(kill=True)
            server.start()

    died: list[bool] = []
    moving = Relay(outbox, dying, kept_for=0)
    with app.testing() as harness:
        with pytest.raises(OperationalError):
            moving.run_once()
        first = harness.run_pending()
        moving.run_once()

        assert (len(first), harness.run_pending()) == (2, [])
    dying.dispose()
    engine.dispose()
    assert waiting(engine) == 0


def test_two_phases_enqueue_after_the_second(two_phases):
    with app.testing() as harness, Session(two_phases, twophase=True) as session:
        session.add(Order(item="tea"))
        enqueue_after_commit(session, ship, "tea")
        session.prepare()
        prepared = shipped(harness), items(two_phases)
        session.commit()

        assert (prepared, shipped(harness), items(two_phases)) == (([], []), ["tea"], ["tea"])
