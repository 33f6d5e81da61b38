"""One pass of a relay: a batch of rows is stored in Redis, then deleted from the database.

The order makes it at least once: a relay that dies in between leaves rows whose tasks are stored.
Whoever moves such a row again is refused, since a task with its ID is there, and deletes it. The
task is there as long as it waits or runs, and for `kept_for` after it was completed.

PostgreSQL, MySQL and MariaDB lock the rows of a batch, so that relays share the work. Elsewhere,
as on SQLite, relays may take the same rows, and nothing is locked while Redis is called. There
a row may get the number of one that is gone, so a row is told by its number and its task's ID.
"""

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, delete, func, select, update

from pyasynq.app.clients import Clients
from pyasynq.contrib.sqlalchemy.outbox import Outbox
from pyasynq.contrib.sqlalchemy.rows import COLUMNS_OF_A_TASK, task_of
from pyasynq.contrib.sqlalchemy.storing import store_all
from pyasynq.errors import (
    ConfigError,
    DuplicateTaskError,
    EnqueueError,
    PayloadError,
    PyasynqError,
    RedisUnavailableError,
)
from pyasynq.shown import LONGEST_ERROR, shown
from pyasynq.task import Task

_RowKey = tuple[int, str]  # the number of a row, and the ID of its task

LOCKING = ("mariadb", "mysql", "postgresql")  # those with SKIP LOCKED

logger = logging.getLogger("pyasynq.sqlalchemy")


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass of a relay did.

    Attributes:
        moved: how many rows are done: their tasks are in Redis, or need not be.
        set_aside: how many rows cannot be moved, and wait for a person.
        is_full: whether the batch was full, so that more rows may wait.
    """

    moved: int
    set_aside: int
    is_full: bool


class _Batch(msgspec.Struct):
    """What becomes of the rows of a pass.

    Attributes:
        done: rows to delete.
        bad: why rows are set aside.
        error: what kept the other rows from being moved; None if nothing did.
    """

    done: list[_RowKey] = msgspec.field(default_factory=list)
    bad: dict[_RowKey, str] = msgspec.field(default_factory=dict)
    error: PyasynqError | None = None


class RelayPass:
    """Moves one batch of rows at a time; one thread uses it.

    Args:
        outbox: whose rows are moved.
        engine: of the database.
        batch_size: how many rows are moved at once.
        kept_for_s: for how long a completed task is kept, at least.
    """

    def __init__(
        self, outbox: Outbox, engine: Engine, *, batch_size: int, kept_for_s: float
    ) -> None:
        self._outbox = outbox
        self._engine = engine
        self._batch_size = batch_size
        self._kept_for_s = kept_for_s
        # Rows that are done, but could not be deleted: not stored again, however late they are
        # deleted at last.
        self._stored: set[_RowKey] = set()

    def __call__(self) -> Moved:
        """Move a batch of rows, in the order of their insertion.

        Raises:
            RedisUnavailableError, IncompatibleRedisError: Redis did not take all; what it has
                taken is deleted, and the rest is left.
            SQLAlchemyError: the database did not answer, or has no such table.
        """
        with self._engine.connect() as connection:
            rows = self._waiting(connection)
            if connection.dialect.name not in LOCKING:
                connection.rollback()  # the rows are read; nothing stays open while Redis is called
            batch = self._store(rows)
            self._stored.update(batch.done)
            self._write(connection, batch)
            connection.commit()
            self._stored.clear()
        if batch.error is not None:
            raise batch.error
        if batch.done:
            logger.debug("%s tasks moved from %s", len(batch.done), self._outbox.table.fullname)
        return Moved(
            moved=len(batch.done),
            set_aside=len(batch.bad),
            is_full=len(rows) == self._batch_size,
        )

    def _waiting(self, connection: Connection) -> Sequence[Row[Any]]:
        table = self._outbox.table
        return connection.execute(
            select(*(table.c[name] for name in COLUMNS_OF_A_TASK))
            .where(table.c.set_aside_at.is_(None))
            .order_by(table.c.id)
            .limit(self._batch_size)
            .with_for_update(skip_locked=True)
        ).all()

    def _store(self, rows: Sequence[Row[Any]]) -> _Batch:
        batch, tasks = _Batch(), dict[_RowKey, Task]()
        for row in rows:
            key = row.id, row.task_id
            if key in self._stored:
                batch.done.append(key)
                continue
            try:
                tasks[key] = task_of(row, kept_for_s=self._kept_for_s)
            except ConfigError as error:
                self._set_aside(batch, key, row.type, error)
        if tasks:
            self._store_all(tasks, batch)
        return batch

    def _store_all(self, tasks: dict[_RowKey, Task], batch: _Batch) -> None:
        """Store tasks together; one by one if one of them keeps the others from being stored."""
        clients: Clients = self._outbox.app._clients  # noqa: SLF001 - for integrations
        try:
            results: Sequence[Any] = store_all(
                clients, list(tasks.values()), what="run_once", instead="relay.arun_once"
            )
        except RedisUnavailableError as error:
            batch.error = error
            results = error.results
        except PyasynqError as error:
            if len(tasks) > 1:
                for key, task in tasks.items():
                    self._store_all({key: task}, batch)
                return
            (key, task), results = *tasks.items(), ()
            if isinstance(error, ConfigError | PayloadError):
                self._set_aside(batch, key, task.type, error)
            else:  # such as a memory that is full
                batch.error = error
        for key, result in zip(tasks, results, strict=False):  # none for what was not sent
            if result is not None:
                batch.done.append(key)
                _log_refusal(tasks[key], result.error)

    def _set_aside(self, batch: _Batch, key: _RowKey, task_type: str, error: PyasynqError) -> None:
        text = str(error)
        batch.bad[key] = text
        row_id, task_id = key
        logger.error(
            "row %s of %s cannot be moved and is set aside: %s: %s",
            row_id,
            self._outbox.table.fullname,
            shown(f"{task_type}[{task_id}]"),
            shown(text, LONGEST_ERROR),
        )

    def _write(self, connection: Connection, batch: _Batch) -> None:
        table = self._outbox.table
        if batch.done:
            numbers, task_ids = zip(*batch.done, strict=True)
            connection.execute(
                delete(table).where(table.c.id.in_(numbers), table.c.task_id.in_(task_ids))
            )
        for (row_id, task_id), error in batch.bad.items():
            connection.execute(
                update(table)
                .where(table.c.id == row_id, table.c.task_id == task_id)
                .values(set_aside_at=func.now(), error=error)
            )


def _log_refusal(task: Task, refusal: EnqueueError | None) -> None:
    """Log that another task holds the lock; a task with the same ID is the one that was meant."""
    if isinstance(refusal, DuplicateTaskError) and refusal.holder_id != task.options.task_id:
        logger.warning("not enqueued from an outbox: %s: %s", task.type, refusal)
