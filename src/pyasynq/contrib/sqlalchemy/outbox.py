"""A transactional outbox: tasks are rows of the database until a relay has moved them to Redis."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Connection, MetaData, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session
from sqlalchemy.orm import Session, scoped_session
from typing_extensions import override

from pyasynq.app import App, TaskDefinition, TaskHandle
from pyasynq.clock import to_datetime
from pyasynq.contrib.sqlalchemy.after_commit import bound_call
from pyasynq.contrib.sqlalchemy.commits import at_commit, plain_session
from pyasynq.contrib.sqlalchemy.rows import outbox_table, row_of
from pyasynq.errors import ConfigError
from pyasynq.options import name_fault

P = ParamSpec("P")
R = TypeVar("R")

NAME = "pyasynq_outbox"


class Outbox:
    """A table in which tasks wait that belong to the transaction that inserts them.

    A `Relay` moves them to Redis, so that a task is stored if, and only if, its transaction is
    committed: also if Redis is away, or the process ends right after the commit.

    Args:
        app: whose tasks they are.
        metadata: of your tables; the outbox becomes one of them, for `create_all` and Alembic.
        name, schema: of the table.

    Attributes:
        table: has the columns ``id``, ``task_id``, ``queue``, ``type``, ``payload``, ``options``,
            ``created_at``, ``set_aside_at`` and ``error``.

    Raises:
        ConfigError: an argument is wrong.
    """

    def __init__(
        self, app: App, metadata: MetaData, *, name: str = NAME, schema: str | None = None
    ) -> None:
        faults = [name_fault("name", name)]
        if not isinstance(app, App):
            faults.append(f"an outbox needs an App, not {type(app).__name__}")
        if not isinstance(metadata, MetaData):
            kind = type(metadata).__name__
            faults.append(f"metadata must be a MetaData, such as Base.metadata, not {kind}")
        ConfigError.raise_if(faults)
        self.app = app
        self.table = outbox_table(metadata, name, schema)
        self._wakers: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def enqueue(
        self,
        transaction: Session | scoped_session[Session] | Connection,
        task: TaskDefinition[P, R, Any, ...],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> TaskHandle[R]:
        """Insert a call of a task into the outbox, as a part of *transaction*.

        The ID of the task is chosen now. What `process_in` and `expires` count is counted from
        now on.

        Args:
            transaction: a Session or a Connection; its commit is yours.
            task: of the same App; may have options of its own, as in ``send.options(unique=60)``.
            args, kwargs: as for `TaskDefinition.enqueue`.

        Returns:
            A handle on the task. Until a relay has moved it, `TaskHandle.info` does not find it.

        Raises:
            TypeError, PayloadError: see `TaskDefinition.enqueue`; nothing was inserted.
            ConfigError: *transaction* is of another kind, or the task is of another App.
            SQLAlchemyError: the database has refused the row.
        """
        if isinstance(transaction, AsyncSession | async_scoped_session | AsyncConnection):
            raise ConfigError(
                f"{type(transaction).__name__} is for async code; write `await outbox.aenqueue(…)`"
            )
        row, handle = self._row(task, args, kwargs)
        if isinstance(transaction, Connection):
            transaction.execute(insert(self.table), row)
            return handle
        session = plain_session(transaction)
        session.execute(insert(self.table), row)
        at_commit(session, self._wake, None)
        return handle

    async def aenqueue(
        self,
        transaction: AsyncSession | async_scoped_session[AsyncSession] | AsyncConnection,
        task: TaskDefinition[P, R, Any, ...],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> TaskHandle[R]:
        """Insert a call of a task into the outbox; like `enqueue`, for async code."""
        if not isinstance(transaction, AsyncSession | async_scoped_session | AsyncConnection):
            raise ConfigError(
                f"aenqueue needs an AsyncSession or an AsyncConnection, not "
                f"{type(transaction).__name__}; `outbox.enqueue(…)` takes those of blocking code"
            )
        row, handle = self._row(task, args, kwargs)
        await transaction.execute(insert(self.table), row)
        if not isinstance(transaction, AsyncConnection):
            at_commit(plain_session(transaction), self._wake, None)
        return handle

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Call *wake* during a block when a transaction of this process has filled the outbox.

        It is called in the thread of the commit.
        """
        with self._lock:
            self._wakers.append(wake)
        try:
            yield
        finally:
            with self._lock:
                self._wakers.remove(wake)

    def _wake(self, _committed: list[None]) -> None:
        with self._lock:
            wakers = tuple(self._wakers)
        for wake in wakers:
            wake()

    def _row(
        self, task: TaskDefinition[P, R, Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[dict[str, Any], TaskHandle[R]]:
        bound, handle = bound_call(task, args, kwargs)
        clients = self.app._clients  # noqa: SLF001 - for integrations
        if task._clients is not clients:  # noqa: SLF001 - as above
            raise ConfigError(
                f"task {task.type!r} is of another App than the outbox {self.table.fullname!r}; "
                "make an outbox for each App, with a table of its own"
            )
        return row_of(bound, now=to_datetime(clients.clock.now_ns())), handle

    @override
    def __repr__(self) -> str:
        return f"<Outbox {self.table.fullname!r} of {self.app!r}>"
