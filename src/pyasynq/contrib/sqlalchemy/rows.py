"""Rows of an outbox: a task and its options as columns, and back. No I/O.

Times are written as they are, in ISO 8601; durations that are counted from the enqueue become
times, since a row may wait. So a task is due when the caller meant it, however late it is moved.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
)

from pyasynq.broker.new_tasks.payload_size import LARGEST_PAYLOAD_BYTES
from pyasynq.errors import ConfigError
from pyasynq.options import DEFAULT_QUEUE, EnqueueOptions, to_seconds, to_timedelta
from pyasynq.task import Task

COLUMNS_OF_THEIR_OWN = ("queue", "task_id")
COLUMNS_OF_A_TASK = ("id", "task_id", "queue", "type", "payload", "options")
MOMENTS = ("deadline", "expires", "process_at")


def outbox_table(metadata: MetaData, name: str, schema: str | None) -> Table:
    """Return the table of an outbox."""
    large = LargeBinary(LARGEST_PAYLOAD_BYTES)  # MySQL chooses the kind of BLOB by the length
    return Table(
        name,
        metadata,
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("task_id", Text, nullable=False),
        Column("queue", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("payload", LargeBinary().with_variant(large, "mysql", "mariadb")),
        Column("options", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("set_aside_at", DateTime(timezone=True)),
        Column("error", Text),
        Index(f"ix_{name}_waiting", "set_aside_at", "id"),
        schema=schema,
    )


def row_of(task: Task, *, now: datetime) -> dict[str, Any]:
    """Return the columns of a task that has an ID."""
    options = task.options
    given = {
        name: value
        for name in EnqueueOptions.__dataclass_fields__
        if name not in COLUMNS_OF_THEIR_OWN and (value := getattr(options, name)) is not None
    }
    if (delay := given.pop("process_in", None)) is not None:
        given["process_at"] = now + to_timedelta(delay)
    if "expires" in given and not isinstance(given["expires"], datetime):
        given["expires"] = now + to_timedelta(given["expires"])
    plain = {name: _plain(value) for name, value in given.items()}
    return {
        "task_id": options.task_id,
        "queue": options.queue or DEFAULT_QUEUE,
        "type": task.type,
        "payload": task.payload,
        "options": msgspec.json.encode(plain).decode(),
    }


def task_of(row: Any, *, kept_for_s: float) -> Task:
    """Return the task of a row; it is kept for *kept_for_s* once completed, or longer.

    Raises:
        ConfigError: the row holds no task, or one that this version does not understand.
    """
    try:
        given: Any = msgspec.json.decode(row.options)
    except msgspec.DecodeError as error:
        raise ConfigError(f"the column 'options' is not JSON: {error}") from error
    if not isinstance(given, Mapping):
        raise ConfigError(f"the column 'options' is no JSON object, but {type(given).__name__}")
    options = EnqueueOptions.from_keywords(
        {
            **{name: _moment(name, value) for name, value in given.items()},
            "queue": row.queue,
            "task_id": row.task_id,
        }
    )
    retention_s = max(to_seconds(options.retention or 0), kept_for_s)
    longer = EnqueueOptions(retention=retention_s).merged_over(options)
    return Task(row.type, row.payload, options=longer)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return dict(value) if isinstance(value, Mapping) else value


def _moment(name: str, value: Any) -> Any:
    """Return a time as it was given; what is no time is refused with the other options."""
    if name not in MOMENTS or not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise ConfigError(f"{name} is no time in ISO 8601: {value!r}") from error
