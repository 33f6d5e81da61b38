"""The guide to SQLAlchemy: the blocks of the page are one module, which is run and then tested."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from pyasynq import App
from pyasynq.contrib.sqlalchemy import Outbox, Relay, enqueue_after_commit
from tests.support.eventually import eventually_async

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "sqlalchemy.md"
MODELS, AFTER_COMMIT, OUTBOX, *OTHERS = re.findall(
    r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL
)
GIVEN = {
    "App": App,
    "AsyncIterator": AsyncIterator,
    "DeclarativeBase": DeclarativeBase,
    "Mapped": Mapped,
    "Outbox": Outbox,
    "Relay": Relay,
    "Session": Session,
    "asynccontextmanager": asynccontextmanager,
    "enqueue_after_commit": enqueue_after_commit,
    "mapped_column": mapped_column,
}


@pytest.fixture
def shop(monkeypatch, tmp_path):
    """The module of the page, with tables in a database, before anything was ordered."""
    module = ModuleType("shop")
    monkeypatch.setitem(sys.modules, "shop", module)
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    names = vars(module)
    names.update(GIVEN, engine=engine)
    definition, insert = OUTBOX.split("\n\n", 1)
    for block in (MODELS, definition, *OTHERS):
        run(block, names)
    names["Base"].metadata.create_all(engine)
    names["insert"] = insert
    yield names
    engine.dispose()


def run(block, names):
    exec(compile(block, str(PAGE), "exec"), names)


def test_a_task_is_enqueued_after_the_commit(shop):
    with shop["app"].testing() as harness:
        run(AFTER_COMMIT, shop)

        assert [each.id for each in harness.tasks()] == [shop["handle"].id]


def test_a_task_waits_in_the_outbox_for_the_periodic_task(shop):
    with shop["app"].testing() as harness:
        run(shop["insert"], shop)
        before = harness.tasks()
        shop["move_outbox"]()

        assert before == []
        assert [each.id for each in harness.tasks()] == [shop["handle"].id]


async def test_the_relay_runs_beside_a_worker(shop, redis_url, redis_client):
    shop["app"].reconfigure(redis_url)
    run(shop["insert"], shop)
    async with shop["app"].worker(scheduler=False).running():
        await eventually_async(lambda: rows(shop) == 0)
    await shop["app"].aclose()

    assert redis_client.exists(f"asynq:{{default}}:t:{shop['handle'].id}")


def rows(shop) -> int:
    with shop["engine"].connect() as connection:
        return len(connection.execute(shop["outbox"].table.select()).all())


def test_the_test_of_the_page_passes(shop):
    shop["test_an_order_sends_an_invoice"](shop["engine"])
