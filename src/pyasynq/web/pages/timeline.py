"""What has become of a task, and what comes next, as far as Redis and workers tell. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pyasynq.inspector import Attempt
from pyasynq.task import TaskState
from pyasynq.web.pages.task_rows import expires_at
from pyasynq.web.service.records import TaskRecord

What = Literal[
    "pending",
    "joined",
    "started",
    "ended",
    "failed",
    "progress",
    "completed",
    "due",
    "deadline",
    "expires",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that has happened to a task, or will.

    Attributes:
        what: what it is.
        at: when.
        attempt: the number of the attempt that it belongs to; 0 if it belongs to none.
        outcome: how the attempt ended, with "ended"; else empty.
        text: more about it, of whomever: an error, a worker, a note; empty for nothing.
        is_ahead: whether it is still to come.
    """

    what: What
    at: datetime
    attempt: int = 0
    outcome: str = ""
    text: str = ""
    is_ahead: bool = False


def timeline(record: TaskRecord, attempts: Sequence[Attempt], now: datetime) -> Sequence[Event]:
    """Return what is known of the past and of the future of a task, the earliest first.

    Redis keeps only the last failure of a task; with the attempts that workers have kept, all of
    them are told that are there.

    Args:
        record: the task.
        attempts: as the service returns them; empty if no worker keeps them.
        now: the time.
    """
    events = [*_of_attempts(attempts), *_of_task(record, attempts), *_ahead(record, now)]
    return sorted(events, key=lambda each: (each.at, each.is_ahead))


def _of_attempts(attempts: Sequence[Attempt]) -> Iterator[Event]:
    for each in reversed(attempts):
        if each.started_at is not None:
            if (since := _pending_since(each.started_at, each.waited)) is not None:
                yield Event(what="pending", at=since, attempt=each.number)
            worker = f"{each.host}:{each.pid}" if each.host else ""
            yield Event(what="started", at=each.started_at, attempt=each.number, text=worker)
        if each.ended_at is not None:
            yield Event(
                what="ended",
                at=each.ended_at,
                attempt=each.number,
                outcome=each.outcome,
                text=each.error,
            )


def _pending_since(started_at: datetime, waited: timedelta | None) -> datetime | None:
    try:
        return None if waited is None else started_at - waited
    except OverflowError:  # what others have stored may make no sense
        return None


def _of_task(record: TaskRecord, attempts: Sequence[Attempt]) -> Iterator[Event]:
    task, run = record.task, record.run
    if record.since is not None:
        what: What = "joined" if task.state is TaskState.AGGREGATING else "pending"
        yield Event(what=what, at=record.since)
    if record.progress is not None:
        yield Event(
            what="progress",
            at=record.progress.at,
            attempt=record.progress.attempt,
            text=record.progress.note,
        )
    if task.completed_at is not None:
        yield Event(what="completed", at=task.completed_at)
    if attempts:
        return
    if task.last_failed_at is not None:
        yield Event(what="failed", at=task.last_failed_at, text=task.last_error)
    if run is not None and run.started_at is not None:
        yield Event(
            what="started", at=run.started_at, attempt=task.attempt, text=f"{run.host}:{run.pid}"
        )


def _ahead(record: TaskRecord, now: datetime) -> Iterator[Event]:
    task, run = record.task, record.run
    times: Sequence[tuple[What, datetime | None]] = (
        ("due", task.next_process_at if task.state is not TaskState.PENDING else None),
        ("deadline", run.deadline if run is not None else task.deadline),
        ("expires", expires_at(task)),
    )
    for what, at in times:
        if at is not None:
            yield Event(what=what, at=at, is_ahead=at > now)
