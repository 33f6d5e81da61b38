"""What type checkers must accept and refuse of `pyasynq.contrib`."""

from collections.abc import AsyncIterator
from typing import assert_type

from fastapi import FastAPI
from sqlalchemy import MetaData, create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from pyasynq import App, TaskContext, TaskHandle
from pyasynq.contrib.fastapi import handle_of, lifespan
from pyasynq.contrib.flask import handle_or_404
from pyasynq.contrib.sqlalchemy import Outbox, Relay, enqueue_after_commit

app = App()


@app.task
async def add(left: int, right: int = 0) -> str:
    return f"{left + right}"


@app.task
def note(ctx: TaskContext, text: str) -> None: ...


outbox = Outbox(app, MetaData())


def after_commit(session: Session, of_a_loop: AsyncSession) -> None:
    assert_type(enqueue_after_commit(session, add, 1, right=2), TaskHandle[str])
    assert_type(enqueue_after_commit(of_a_loop, note, "a"), TaskHandle[None])
    enqueue_after_commit(session, add, "1")  # error
    enqueue_after_commit(session, add)  # error
    enqueue_after_commit(session, note, text=1)  # error
    enqueue_after_commit(1, add, 1)  # error


async def in_outbox(session: Session, of_a_loop: AsyncSession) -> None:
    assert_type(outbox.enqueue(session, add.options(queue="low"), 1), TaskHandle[str])
    assert_type(await outbox.aenqueue(of_a_loop, add, 1), TaskHandle[str])
    outbox.enqueue(session, add, left="1")  # error
    outbox.enqueue(of_a_loop, add, 1)  # error
    await outbox.aenqueue(session, add, 1)  # error
    Relay(outbox, create_engine("sqlite://"), kept_for=60)
    Relay(outbox, create_async_engine("sqlite+aiosqlite://"), kept=60)  # error


async def handles() -> None:
    assert_type(await handle_of(add)("7"), TaskHandle[str])
    assert_type(handle_or_404(note, "7"), TaskHandle[None])
    handle_or_404(after_commit, "7")  # error


async def own_lifespan(api: FastAPI) -> AsyncIterator[dict[str, int]]:
    yield {"of": len(api.routes)}


def not_a_lifespan(api: FastAPI) -> int:
    return 1


plain = lifespan(app)
mixed = lifespan(app, lifespan(App(), own_lifespan), worker=True)
FastAPI(lifespan=plain)
FastAPI(lifespan=mixed)
FastAPI(lifespan=lifespan(app, lifespan(App())))
lifespan(app, not_a_lifespan)  # error
