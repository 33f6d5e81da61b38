"""The relay: each row arrives, once, whatever fails in between."""

import asyncio
import logging
import threading
from functools import partial

import pytest
from sqlalchemy import Engine, create_engine, event, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from pyasynq import ConfigError, RedisUnavailableError, ServerStateError
from pyasynq.contrib.sqlalchemy import Moved, Relay, enqueue_after_commit, relay
from tests.contrib.sqlalchemy.shop import app, fill, outbox, ship, waiting
from tests.support.eventually import eventually_async


@pytest.fixture
def harness():
    with app.testing() as harness:
        yield harness


def shipped(harness) -> list[str]:
    return [each.arguments["item"] for each in harness.tasks()]


def is_shipped(harness, item: str) -> bool:
    return item in shipped(harness)


def fail_deletes(engine: Engine) -> list[None]:
    """Fail each deletion as a lost database does, as long as the list is not empty."""
    failing = [None]

    @event.listens_for(engine, "before_cursor_execute")
    def _(_connection, _cursor, statement, *_more):
        if failing and statement.startswith("DELETE"):
            raise OperationalError(statement, {}, Exception("the database is gone"))

    return failing


def damage(engine: Engine, row_id: int, **columns: object) -> None:
    with engine.begin() as connection:
        table = outbox.table
        connection.execute(update(table).where(table.c.id == row_id).values(**columns))


def set_aside(engine: Engine) -> dict[int, str]:
    table = outbox.table
    with engine.connect() as connection:
        wanted = select(table.c.id, table.c.error).where(table.c.set_aside_at.is_not(None))
        return {row.id: row.error for row in connection.execute(wanted)}


def test_rows_are_moved_in_order_and_in_batches(harness, engine):
    fill(engine, *"abcde")
    moving = Relay(outbox, engine, batch_size=2)

    passes = [moving.run_once() for _ in range(4)]

    assert [(each.moved, each.is_full) for each in passes] == [
        (2, True),
        (2, True),
        (1, False),
        (0, False),
    ]
    assert shipped(harness) == [*"abcde"]


def test_a_row_that_was_stored_but_not_deleted_is_stored_once(harness, engine):
    fill(engine, "tea", "cup")
    failing = fail_deletes(engine)
    with pytest.raises(OperationalError):
        Relay(outbox, engine).run_once()
    left = waiting(engine)
    failing.clear()

    moved = Relay(outbox, engine).run_once()  # of another process, which knows nothing

    assert (left, moved.moved, waiting(engine)) == (2, 2, 0)
    assert shipped(harness) == ["tea", "cup"]


def test_a_task_that_has_run_meanwhile_is_not_stored_again(harness, engine):
    fill(engine, "tea")
    failing = fail_deletes(engine)
    with pytest.raises(OperationalError):
        Relay(outbox, engine).run_once()
    first = harness.run_pending()
    failing.clear()

    Relay(outbox, engine).run_once()

    assert (len(first), harness.run_pending(), waiting(engine)) == (1, [], 0)


def test_the_same_relay_remembers_what_it_has_stored_longer_than_redis(harness, engine):
    fill(engine, "tea")
    failing = fail_deletes(engine)
    moving = Relay(outbox, engine, kept_for=0)
    with pytest.raises(OperationalError):
        moving.run_once()
    first = harness.run_pending()  # and Redis keeps nothing of it
    failing.clear()

    moving.run_once()

    assert (len(first), harness.run_pending(), waiting(engine)) == (1, [], 0)


def test_a_row_that_has_got_the_number_of_a_moved_one_is_not_taken_for_it(harness, engine):
    fill(engine, "tea")
    slow, passes = Relay(outbox, engine), []

    @event.listens_for(engine, "before_cursor_execute")
    def overtake(_connection, _cursor, statement, *_more):
        if statement.startswith("DELETE") and not passes:
            passes.append("of another relay")
            Relay(outbox, engine).run_once()
            fill(engine, "cup")  # SQLite numbers the rows of an empty table from 1 again

    slow.run_once()
    slow.run_once()

    assert (shipped(harness), waiting(engine)) == (["tea", "cup"], 0)


def test_a_number_that_is_remembered_is_not_taken_for_that_of_a_later_row(harness, engine):
    fill(engine, "tea")
    failing = fail_deletes(engine)
    slow = Relay(outbox, engine)
    with pytest.raises(OperationalError):
        slow.run_once()
    failing.clear()
    Relay(outbox, engine).run_once()
    fill(engine, "cup")

    slow.run_once()

    assert (shipped(harness), waiting(engine)) == (["tea", "cup"], 0)


def test_a_column_that_tells_nothing_of_the_task_keeps_no_row_back(harness, engine):
    fill(engine, "tea")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE pyasynq_outbox SET created_at = 'yesterday'")

    Relay(outbox, engine).run_once()

    assert (shipped(harness), waiting(engine)) == (["tea"], 0)


def test_rows_wait_while_redis_is_away(engine):
    app.reconfigure("redis://127.0.0.1:1")
    fill(engine, "tea", "cup")
    moving = Relay(outbox, engine)
    with pytest.raises(RedisUnavailableError):
        moving.run_once()
    left = waiting(engine)

    with app.testing() as harness:
        moving.run_once()

        assert (left, shipped(harness)) == (2, ["tea", "cup"])


BAD = [
    ({"options": "{"}, "the column 'options' is not JSON"),
    ({"options": "[]"}, "the column 'options' is no JSON object, but list"),
    ({"options": '{"soon": 1}'}, "unknown option 'soon'"),
    ({"options": '{"process_at": "soon"}'}, "process_at is no time in ISO 8601: 'soon'"),
    ({"options": '{"unique_key": "a"}'}, "unique"),  # found only when it is to be stored
    ({"type": " "}, "task type must not be blank"),
    ({"queue": ""}, "queue must not be blank"),
]


@pytest.mark.parametrize(("columns", "told"), BAD)
def test_a_row_that_cannot_be_moved_is_set_aside_and_keeps_no_other_back(
    harness, engine, caplog, columns, told
):
    fill(engine, "tea", "cup", "pot")
    damage(engine, 2, **columns)

    moved = Relay(outbox, engine).run_once()

    assert moved == Moved(moved=2, set_aside=1, is_full=False)
    assert shipped(harness) == ["tea", "pot"]
    assert told in set_aside(engine)[2]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.message.startswith("row 2 of pyasynq_outbox cannot be moved and is set aside")


def test_a_row_that_was_set_aside_is_moved_after_a_repair(harness, engine):
    fill(engine, "tea")
    damage(engine, 1, options="{")
    moving = Relay(outbox, engine)
    moving.run_once()
    idle = moving.run_once()
    damage(engine, 1, options="{}", set_aside_at=None, error=None)

    moved = moving.run_once()

    assert (idle.moved, moved.moved, shipped(harness)) == (0, 1, ["tea"])


def test_what_redis_refuses_for_one_queue_keeps_no_other_back(harness, engine):
    with Session(engine) as session:
        outbox.enqueue(session, ship.options(queue="broken"), "tea")
        outbox.enqueue(session, ship, "cup")
        session.commit()
    harness._redis.client.set("asynq:{broken}:pending", "of another type")

    with pytest.raises(Exception, match="WRONGTYPE"):
        Relay(outbox, engine).run_once()

    assert (waiting(engine), set_aside(engine)) == (1, {})
    assert [each.arguments["item"] for each in harness.tasks(queue="default")] == ["cup"]


def test_a_task_whose_lock_another_one_holds_is_dropped_and_logged(harness, engine, caplog):
    unique = ship.options(unique=600)
    unique.enqueue("tea")
    with Session(engine) as session:
        outbox.enqueue(session, unique, "tea")
        session.commit()

    Relay(outbox, engine).run_once()

    assert (waiting(engine), len(harness.tasks())) == (0, 1)
    assert "not enqueued from an outbox: ship: a task of type 'ship'" in caplog.text


def test_a_unique_task_that_is_moved_again_is_no_duplicate_of_itself(harness, engine, caplog):
    with Session(engine) as session:
        outbox.enqueue(session, ship.options(unique=600), "tea")
        session.commit()
    failing = fail_deletes(engine)
    with pytest.raises(OperationalError):
        Relay(outbox, engine).run_once()
    failing.clear()

    Relay(outbox, engine).run_once()

    assert (waiting(engine), len(harness.tasks()), caplog.records) == (0, 1, [])


async def test_a_commit_of_this_process_wakes_the_relay(async_engine):
    async with app.testing() as harness:
        async with Relay(outbox, async_engine, poll_interval=3600).running():
            for item in ("tea", "cup"):
                async with AsyncSession(async_engine) as session, session.begin():
                    await outbox.aenqueue(session, ship, item)
                await eventually_async(partial(is_shipped, harness, item))

        assert shipped(harness) == ["tea", "cup"]


async def test_two_relays_at_once_move_each_row_once(engine, database):
    fill(engine, *(f"{number}" for number in range(60)))
    async with app.testing() as harness:
        engines = [create_engine(f"sqlite:///{database}") for _ in range(2)]
        settings = {"batch_size": 7, "poll_interval": 0.01}
        relays = [Relay(outbox, each, **settings) for each in engines]
        async with relays[0].running(), relays[1].running():
            await eventually_async(lambda: not waiting(engine))
        found = shipped(harness)
        for each in engines:
            each.dispose()

    assert sorted(found, key=int) == [f"{number}" for number in range(60)]


async def test_outages_are_logged_once_and_end_by_themselves(engine, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "pyasynq.sqlalchemy")
    monkeypatch.setattr(relay, "BACKOFF_S", (0.001, 0.001))
    app.reconfigure("redis://127.0.0.1:1")
    fill(engine, "tea")
    moving = Relay(outbox, engine, poll_interval=0.01)
    async with moving.running():
        await eventually_async(lambda: "waits for redis" in caplog.text)
        async with app.testing() as harness:
            await eventually_async(lambda: not waiting(engine))
            assert shipped(harness) == ["tea"]
            with engine.begin() as connection:
                connection.execute(text("ALTER TABLE pyasynq_outbox RENAME TO hidden"))
            await eventually_async(lambda: "waits for the database" in caplog.text)
            with engine.begin() as connection:
                connection.execute(text("ALTER TABLE hidden RENAME TO pyasynq_outbox"))
            await eventually_async(lambda: caplog.text.count("goes on") == 2)

    told = [each.message.split(":")[0] for each in caplog.records]
    assert told == [
        "the relay of pyasynq_outbox starts",
        "the relay of pyasynq_outbox waits for redis",
        "the relay of pyasynq_outbox goes on",
        "the relay of pyasynq_outbox waits for the database",
        "the relay of pyasynq_outbox goes on",
        "the relay of pyasynq_outbox has ended",
    ]


async def test_a_fault_of_a_listener_of_the_engine_does_not_end_the_relay(
    engine, monkeypatch, caplog
):
    monkeypatch.setattr(relay, "BACKOFF_S", (0.001, 0.001))
    fill(engine, "tea")
    faults = [KeyError("tea")]

    @event.listens_for(engine, "before_cursor_execute")
    def fail(*_given):
        if faults and threading.current_thread() is not threading.main_thread():
            raise faults.pop()

    async with app.testing() as harness:
        async with Relay(outbox, engine).running():
            await eventually_async(lambda: not waiting(engine))

        assert shipped(harness) == ["tea"]
    assert [each.message for each in caplog.records if each.levelno == logging.ERROR] == [
        "the relay of pyasynq_outbox failed; it tries again"
    ]


async def test_a_cancelled_relay_ends_after_its_batch(engine):
    fill(engine, "tea")
    async with app.testing() as harness:
        moving = Relay(outbox, engine, poll_interval=3600)
        serving = asyncio.create_task(moving.serve())
        await eventually_async(lambda: not waiting(engine))
        with pytest.raises(ServerStateError, match="this relay is running already"):
            await moving.serve()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

        assert shipped(harness) == ["tea"]


async def test_a_relay_that_runs_is_not_stopped_by_a_second_block(engine):
    async with app.testing() as harness:
        moving = Relay(outbox, engine, poll_interval=3600)
        async with moving.running():
            with pytest.raises(ServerStateError, match="this relay is running already"):
                async with moving.running():
                    pytest.fail("it runs twice")
            fill(engine, "tea")
            await eventually_async(partial(is_shipped, harness, "tea"), within_s=10)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"batch_size": 0}, "batch_size must be from 1 to 1000, not 0"),
        ({"poll_interval": -1}, "poll_interval must be at least 0 s"),
        ({"kept_for": "1 h"}, "kept_for must be a timedelta"),
    ],
)
def test_wrong_settings_are_told(engine, settings, told):
    with pytest.raises(ConfigError, match=told):
        Relay(outbox, engine, **settings)


def test_an_engine_of_another_kind_is_told(async_engine):
    with pytest.raises(ConfigError, match="an Engine or an AsyncEngine, not str"):
        Relay(outbox, "sqlite://")
    with pytest.raises(ConfigError, match="a relay needs an Outbox, not Engine"):
        Relay(create_engine("sqlite://"), async_engine)
    with pytest.raises(ConfigError, match="this relay has an AsyncEngine"):
        Relay(outbox, async_engine).run_once()


async def test_blocking_code_on_a_loop_is_warned_of_what_to_await(engine, monkeypatch):
    monkeypatch.setattr(app._clients, "_has_warned", False)
    with Session(engine) as session:
        enqueue_after_commit(session, ship, "tea")
        outbox.enqueue(session, ship, "cup")
        async with app.testing() as harness:
            with pytest.warns(RuntimeWarning, match="a commit that enqueues blocks the event loop"):
                session.commit()
            Relay(outbox, engine).run_once()  # only the first is warned of

            assert shipped(harness) == ["tea", "cup"]
