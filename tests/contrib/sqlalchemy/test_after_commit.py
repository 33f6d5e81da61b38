"""Tasks that are bound to a session: enqueued after its outermost commit, and never otherwise."""

import asyncio
import logging
import socket
import threading

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from pyasynq import ConfigError, PayloadError, RedisUnavailableError, ServerStateError
from pyasynq.contrib.sqlalchemy import enqueue_after_commit
from tests.contrib.sqlalchemy.shop import Order, app, bill, items, other_app, ship
from tests.support.ports import free_port


@pytest.fixture
def harness():
    with app.testing() as harness:
        yield harness


def shipped(harness) -> list[str]:
    return [each.arguments["item"] for each in harness.tasks()]


def order(session: Session | AsyncSession, item: str):
    session.add(Order(item=item))
    return enqueue_after_commit(session, ship, item)


def test_tasks_are_enqueued_in_order_after_the_commit(harness, engine):
    with Session(engine) as session:
        handles = [order(session, each) for each in ("tea", "cup", "pot")]
        session.flush()
        before = shipped(harness)
        session.commit()

        assert before == []
        assert shipped(harness) == ["tea", "cup", "pot"]
        assert [each.info().state for each in handles] == ["pending"] * 3


def test_no_database_connection_is_held_while_redis_is_called(harness, engine):
    held = []
    real = app._clients.client().enqueue_many
    app._clients.client().enqueue_many = lambda tasks: (
        held.append(engine.pool.checkedout()) or real(tasks)
    )
    with Session(engine) as session:
        order(session, "tea")
        session.commit()

    assert held == [0]
    assert shipped(harness) == ["tea"]


def test_a_rollback_drops_the_tasks_and_the_session_goes_on(harness, engine):
    with Session(engine) as session:
        order(session, "tea")
        session.rollback()
        order(session, "cup")
        session.commit()

    assert (shipped(harness), items(engine)) == (["cup"], ["cup"])


def test_a_close_without_a_commit_drops_the_tasks(harness, engine):
    with Session(engine) as session:
        order(session, "tea")
    session.commit()

    assert shipped(harness) == []


def test_a_block_that_raises_drops_the_tasks(harness, engine):
    with pytest.raises(KeyError), Session(engine) as session, session.begin():
        order(session, "tea")
        raise KeyError("tea")

    assert shipped(harness) == []


def test_a_commit_that_fails_drops_the_tasks(harness, engine):
    with Session(engine) as session:
        session.add_all([Order(id=1, item="tea"), Order(id=1, item="cup")])
        enqueue_after_commit(session, ship, "tea")
        with pytest.raises(IntegrityError):
            session.commit()
        session.rollback()
        session.commit()

    assert shipped(harness) == []


def test_a_session_that_has_done_nothing_else_enqueues_too(harness, engine):
    with Session(engine) as session:
        enqueue_after_commit(session, ship, "tea")
        session.commit()

    assert shipped(harness) == ["tea"]


def test_a_savepoint_that_is_rolled_back_takes_its_tasks_with_it(harness, engine):
    with Session(engine) as session, session.begin():
        order(session, "tea")
        with pytest.raises(KeyError), session.begin_nested():
            order(session, "cup")
            with session.begin_nested():
                order(session, "spoon")
            raise KeyError
        with session.begin_nested():
            order(session, "pot")
        before = shipped(harness)

    assert before == []
    assert shipped(harness) == items(engine) == ["tea", "pot"]


def test_a_rollback_drops_what_a_released_savepoint_has_handed_on(harness, engine):
    with Session(engine) as session:
        with session.begin_nested():
            order(session, "tea")
        session.rollback()
        session.commit()

    assert shipped(harness) == []


def test_a_commit_inside_of_a_savepoint_enqueues_all(harness, engine):
    with Session(engine) as session:
        order(session, "tea")
        session.begin_nested()
        order(session, "cup")
        session.begin_nested()
        order(session, "pot")
        session.commit()  # of all of them

    assert shipped(harness) == items(engine) == ["tea", "cup", "pot"]


def test_all_that_waits_is_tried_although_one_app_has_no_redis(engine, caplog):
    other_app.reconfigure("redis://127.0.0.1:1")
    with app.testing() as harness, Session(engine) as session:
        enqueue_after_commit(session, bill, "tea")
        enqueue_after_commit(session, ship, "tea")
        with pytest.raises(RedisUnavailableError):
            session.commit()

        assert shipped(harness) == ["tea"]


def test_a_task_of_a_flush_belongs_to_the_transaction(harness, engine):
    with Session(engine) as session:

        @event.listens_for(session, "after_flush")
        def ship_all(session, _flush):
            for each in session.new:
                enqueue_after_commit(session, ship, each.item)

        session.add(Order(item="tea"))
        with pytest.raises(KeyError), session.begin_nested():
            session.add(Order(item="cup"))
            session.flush()
            raise KeyError
        session.commit()

    assert shipped(harness) == ["tea"]


def test_a_task_of_a_listener_of_the_commit_is_enqueued_though_it_is_the_first(harness, engine):
    with Session(engine) as session:

        @event.listens_for(session, "after_commit")
        def ship_tea(session):
            enqueue_after_commit(session, ship, "tea")

        session.add(Order(item="tea"))
        session.commit()

    assert shipped(harness) == ["tea"]


def test_two_phases_enqueue_after_the_second(harness, engine):
    with Session(engine, twophase=True) as session:
        # SQLite has no two phases, so only the session goes through them, without a statement.
        enqueue_after_commit(session, ship, "tea")
        session.prepare()
        prepared = shipped(harness)
        session.commit()

    assert (prepared, shipped(harness)) == ([], ["tea"])


def test_a_connection_in_autocommit_mode_follows_the_session(harness, engine):
    with Session(engine.execution_options(isolation_level="AUTOCOMMIT")) as session:
        order(session, "tea")
        session.flush()
        session.rollback()
        order(session, "cup")
        session.commit()

    assert (items(engine), shipped(harness)) == (["tea", "cup"], ["cup"])


def test_a_session_that_begins_nothing_by_itself_says_what_to_do(harness, engine):
    with Session(engine, autobegin=False) as session:
        with pytest.raises(ServerStateError, match="no transaction that could be committed"):
            enqueue_after_commit(session, ship, "tea")
        with session.begin():
            enqueue_after_commit(session, ship, "cup")

    assert shipped(harness) == ["cup"]


def test_sessions_and_threads_do_not_meet(harness, engine):
    made = scoped_session(sessionmaker(engine))
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        barrier.wait()
        enqueue_after_commit(made, ship, f"{number}")
        made.commit() if number % 2 else made.rollback()
        made.remove()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(shipped(harness)) == ["1", "3"]


def test_two_apps_may_share_a_session(harness, engine):
    with other_app.testing() as other, Session(engine) as session:
        enqueue_after_commit(session, ship, "tea")
        enqueue_after_commit(session, bill, "tea")
        session.commit()

        assert [each.type for each in harness.tasks()] == ["ship"]
        assert [each.type for each in other.tasks()] == ["bill"]


def test_arguments_are_checked_and_encoded_at_the_call(harness, engine):
    with Session(engine) as session:
        with pytest.raises(PayloadError, match=r"\$\.item: expected str, got int"):
            enqueue_after_commit(session, ship, 7)
        with pytest.raises(TypeError, match="missing"):
            enqueue_after_commit(session, ship)
        session.commit()

    assert shipped(harness) == []


@pytest.mark.parametrize("given", [None, "session", object])
def test_what_is_no_session_is_named(given):
    with pytest.raises(ConfigError, match="this needs a session of SQLAlchemy, not"):
        enqueue_after_commit(given, ship, "tea")


def test_a_function_that_is_no_task_is_named(engine):
    with Session(engine) as session:
        with pytest.raises(ConfigError, match="not function"):
            enqueue_after_commit(session, items, engine)


def test_options_are_kept_and_the_id_is_known_at_once(harness, engine):
    with Session(engine) as session:
        task = ship.options(queue="parcels", process_in=60, task_id="7")
        handle = enqueue_after_commit(session, task, "tea", box="large")
        session.commit()

    assert (handle.id, handle.queue, handle.info().state) == ("7", "parcels", "scheduled")


def test_a_duplicate_is_logged_and_keeps_no_other_from_being_stored(harness, engine, caplog):
    unique = ship.options(unique=60)
    with Session(engine) as session:
        for item in ("tea", "tea", "cup"):
            enqueue_after_commit(session, unique, item)
        session.commit()

    assert shipped(harness) == ["tea", "cup"]
    (record,) = caplog.records
    assert record.message.startswith("not enqueued after a commit: ship: a task of type 'ship'")


def test_redis_away_after_the_commit_is_raised_and_the_data_is_kept(engine, caplog):
    app.reconfigure("redis://127.0.0.1:1")
    with Session(engine) as session:
        handle = order(session, "tea")
        with pytest.raises(RedisUnavailableError) as raised:
            session.commit()
        session.add(Order(item="cup"))  # the session can be used as after any commit
        session.commit()

    assert items(engine) == ["tea", "cup"]
    assert raised.value.__notes__ == [
        f"the transaction is committed, but these tasks may be lost: ship[{handle.id}]"
    ]
    assert [(each.levelno, each.message) for each in caplog.records] == [
        (logging.ERROR, f"not enqueued after a commit, so they may be lost: ship[{handle.id}]")
    ]


async def test_an_async_session_enqueues_after_its_commit(async_engine, engine: Engine):
    async with app.testing() as harness:
        async with AsyncSession(async_engine) as session:
            async with session.begin():
                session.add(Order(item="tea"))
                handle = enqueue_after_commit(session, ship, "tea")
                with pytest.raises(KeyError):
                    async with session.begin_nested():
                        enqueue_after_commit(session, ship, "cup")
                        raise KeyError
            enqueue_after_commit(session, ship, "pot")
            await session.rollback()

        assert [each.id for each in harness.tasks()] == [handle.id]
        assert (await handle.ainfo()).state == "pending"
    assert items(engine) == ["tea"]


async def test_a_scoped_async_session_is_resolved(async_engine):
    made = async_scoped_session(async_sessionmaker(async_engine), scopefunc=lambda: 1)
    async with app.testing() as harness:
        enqueue_after_commit(made, ship, "tea")
        await made.commit()
        await made.remove()

        assert shipped(harness) == ["tea"]


async def test_redis_away_after_an_async_commit_is_raised(async_engine, engine):
    app.reconfigure("redis://127.0.0.1:1")
    async with AsyncSession(async_engine) as session:
        session.add(Order(item="tea"))
        enqueue_after_commit(session, ship, "tea")
        with pytest.raises(RedisUnavailableError):
            await session.commit()
    await app.aclose()

    assert items(engine) == ["tea"]


def test_redis_away_at_the_end_of_a_block_is_raised_and_the_session_goes_on(engine):
    app.reconfigure("redis://127.0.0.1:1")
    with Session(engine) as session:
        with pytest.raises(RedisUnavailableError), session.begin():
            order(session, "tea")
        with session.begin():
            session.add(Order(item="cup"))

    assert items(engine) == ["tea", "cup"]


async def test_redis_away_at_the_end_of_an_async_block_is_raised_and_the_session_goes_on(
    engine, async_engine
):
    app.reconfigure("redis://127.0.0.1:1")
    async with AsyncSession(async_engine) as session:
        with pytest.raises(RedisUnavailableError):
            async with session.begin():
                order(session, "tea")
        async with session.begin():
            session.add(Order(item="cup"))
    await app.aclose()

    assert items(engine) == ["tea", "cup"]


async def test_a_commit_that_is_cancelled_while_redis_hangs_tells_what_may_be_lost(
    async_engine, engine, caplog
):
    with socket.create_server(("127.0.0.1", free_port())) as hanging:
        hanging.setblocking(False)
        app.reconfigure(f"redis://127.0.0.1:{hanging.getsockname()[1]}")
        async with AsyncSession(async_engine) as session:
            order(session, "tea")
            committing = asyncio.create_task(session.commit())
            asked, _address = await asyncio.get_running_loop().sock_accept(hanging)
            with asked:
                committing.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await committing
        await app.aclose()

    assert items(engine) == ["tea"]
    assert "not enqueued after a commit, so they may be lost: ship[" in caplog.text
