"""The outbox: a task is a row of the transaction, and every option arrives as it was given."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import MetaData, select, text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from pyasynq import ConfigError, PayloadError, TaskNotFoundError
from pyasynq.clock import to_datetime
from pyasynq.contrib.sqlalchemy import Outbox, Relay
from tests.contrib.sqlalchemy.shop import Base, Order, app, bill, fill, outbox, ship, waiting

AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def harness():
    with app.testing() as harness:
        yield harness


def test_a_task_is_stored_if_its_transaction_is_committed(harness, engine):
    relay = Relay(outbox, engine)
    with Session(engine) as session:
        session.add(Order(item="tea"))
        handle = outbox.enqueue(session, ship, "tea", box="large")
        before = relay.run_once().moved
        session.commit()

    moved = relay.run_once()

    assert (before, moved.moved, waiting(engine)) == (0, 1, 0)
    (task,) = harness.tasks()
    assert (task.id, task.arguments) == (handle.id, {"item": "tea", "box": "large"})


def test_a_rollback_and_a_savepoint_take_their_rows_with_them(harness, engine):
    with Session(engine) as session:
        outbox.enqueue(session, ship, "tea")
        session.rollback()
        with pytest.raises(KeyError), session.begin_nested():
            outbox.enqueue(session, ship, "cup")
            raise KeyError
        outbox.enqueue(session, ship, "pot")
        session.commit()

    Relay(outbox, engine).run_once()

    assert [each.arguments["item"] for each in harness.tasks()] == ["pot"]


def test_a_connection_does_as_well_as_a_session(harness, engine):
    with engine.begin() as connection:
        outbox.enqueue(connection, ship, "tea")

    assert Relay(outbox, engine).run_once().moved == 1


def test_until_a_relay_has_moved_it_a_handle_finds_no_task(harness, engine):
    ship.enqueue("so that the queue exists")
    with Session(engine) as session:
        handle = outbox.enqueue(session, ship, "tea")
        session.commit()

    with pytest.raises(TaskNotFoundError):
        handle.info()


def test_every_option_arrives_as_it_was_given(harness, engine):
    task = ship.options(
        queue="parcels",
        task_id="7",
        max_retry=3,
        timeout=timedelta(minutes=2),
        deadline=AT,
        expires=AT,
        unique=600,
        unique_key="tea",
        unique_until="started",
        process_at=AT - timedelta(days=1),
        retention=timedelta(days=2),
        headers={"trace": "å"},
    )
    with Session(engine) as session:
        outbox.enqueue(session, task, "tea")
        session.commit()
    Relay(outbox, engine).run_once()
    through_outbox = task.handle("7", "parcels").info()
    task.handle("7", "parcels").delete()

    assert through_outbox == task.enqueue("tea").info()
    assert through_outbox.headers == {"trace": "å"}


def test_a_delay_counts_from_the_insert(harness, engine):
    with Session(engine) as session:
        handle = outbox.enqueue(session, ship.options(process_in=60, expires=90), "tea")
        session.commit()
    harness.clock.advance(50)
    Relay(outbox, engine).run_once()
    early = harness.run_pending()
    due = handle.info().next_process_at
    harness.clock.advance(10)

    assert early == []
    assert due == to_datetime(harness.clock.now_ns())
    assert len(harness.run_pending()) == 1


def test_a_completed_task_is_kept_for_as_long_as_the_relay_says(harness, engine):
    fill(engine, "tea")
    with Session(engine) as session:
        longer = outbox.enqueue(session, ship.options(retention=86_400), "cup")
        session.commit()
    Relay(outbox, engine, kept_for=timedelta(minutes=10)).run_once()

    kept = {each.id: ship.handle(each.id).info().retention for each in harness.tasks()}

    assert kept.pop(longer.id) == timedelta(days=1)
    assert list(kept.values()) == [timedelta(minutes=10)]


def test_arguments_are_checked_before_a_row_is_inserted(engine):
    with Session(engine) as session:
        with pytest.raises(PayloadError, match="expected str, got int"):
            outbox.enqueue(session, ship, 7)
        with pytest.raises(ConfigError, match="task 'bill' is of another App than the outbox"):
            outbox.enqueue(session, bill, "tea")
        session.commit()

    assert waiting(engine) == 0


async def test_the_wrong_kind_of_session_is_told(async_engine, engine):
    async with AsyncSession(async_engine) as session:
        with pytest.raises(ConfigError, match="AsyncSession is for async code; write `await"):
            outbox.enqueue(session, ship, "tea")
    with Session(engine) as plain:
        with pytest.raises(ConfigError, match="an AsyncConnection, not Session"):
            await outbox.aenqueue(plain, ship, "tea")


async def test_async_sessions_and_connections_insert_too(async_engine, engine):
    async with AsyncSession(async_engine) as session, session.begin():
        await outbox.aenqueue(session, ship, "tea")
    async with async_engine.begin() as connection:
        await outbox.aenqueue(connection, ship, "cup")

    async with app.testing() as harness:
        moved = await Relay(outbox, async_engine).arun_once()

        assert moved.moved == 2
        assert [each.arguments["item"] for each in harness.tasks()] == ["tea", "cup"]


def test_a_session_whose_database_has_no_outbox_says_so(engine):
    other = Outbox(app, MetaData(), name="elsewhere")
    with Session(engine) as session:
        with pytest.raises(OperationalError, match="no such table: elsewhere"):
            other.enqueue(session, ship, "tea")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((None, Base.metadata), "an outbox needs an App, not NoneType"),
        ((app, Base), "metadata must be a MetaData, such as Base.metadata, not"),
    ],
)
def test_wrong_arguments_are_told(given, told):
    with pytest.raises(ConfigError, match=told):
        Outbox(*given)


def test_large_payloads_fit_the_columns_of_every_database():
    def column(dialect) -> str:
        return str(CreateTable(outbox.table).compile(dialect=dialect))

    assert "payload BLOB(536870912)" in column(mysql.dialect())
    assert "payload BYTEA" in column(postgresql.dialect())
    assert "id BIGSERIAL" in column(postgresql.dialect())


def test_a_row_tells_a_person_what_it_is(engine):
    fill(engine, "tea")

    with engine.connect() as connection:
        row = connection.execute(select(outbox.table)).one()
        created = connection.execute(text("SELECT created_at FROM pyasynq_outbox")).scalar()

    assert (row.queue, row.type, row.payload) == (
        "default",
        "ship",
        b'{"item":"tea","box":"small"}',
    )
    assert (row.options, row.error, bool(created)) == ("{}", None, True)
