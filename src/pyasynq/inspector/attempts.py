"""The last attempts to run a task, as workers with a `TaskHistory` have kept them; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from pyasynq.clock import NANOSECONDS, to_datetime, to_span
from pyasynq.wire.attempts import ENDINGS, THENS, AttemptRecord, Then

AttemptOutcome = Literal[
    "running",
    "succeeded",
    "failed",
    "timed_out",
    "cancelled",
    "skipped_retry",
    "deferred",
    "revoked",
    "requeued",
    "lost",
    "unknown",
]
"""How an attempt ended."""

LONGEST_PID = 10  # digits

_OUTCOMES: dict[str, AttemptOutcome] = {name: name for name in ENDINGS}
_THENS: dict[str, Then] = {name: name for name in THENS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to run a task.

    Attributes:
        number: from 1; two attempts have the same number if the first one was not counted, as one
            that was deferred or requeued.
        outcome: how it ended: "succeeded"; "failed"; "timed_out"; "cancelled"; "skipped_retry", if
            the handler wanted no retry; "deferred", if it raised RetryLater; "revoked", if it
            raised RevokeTask; "requeued", if its server stopped; "lost", if its lease ended or its
            server is gone. "running" if it has not ended, and "unknown" if it has, but no server
            has told how.
        then: what became of the task: "deleted", "completed", "retried", "archived" or "requeued";
            None if that is not known.
        started_at: when the handler started; None if that is not known.
        ended_at: when it ended; None if it has not, or that is not known.
        waited: for how long the task was pending before; None if that is not known.
        retry_at: when the task runs again; None if it does not.
        error: what it failed with, at most 4 KiB; empty if it did not.
        traceback: where that came from, in lines; empty if that was not kept.
        host: the machine of the server; empty if that is not known.
        pid: its process; 0 if that is not known.
        server_id: its ID; empty if that is not known.
    """

    number: int
    outcome: AttemptOutcome
    then: Then | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    waited: timedelta | None = None
    retry_at: datetime | None = None
    error: str = ""
    traceback: str = ""
    host: str = ""
    pid: int = 0
    server_id: str = ""

    @property
    def duration(self) -> timedelta | None:
        """How long it ran; None if that is not known."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(timedelta(0), self.ended_at - self.started_at)


def attempts_of(records: Sequence[AttemptRecord], *, is_active: bool) -> tuple[Attempt, ...]:
    """Return the attempts that *records* tell of, the latest first.

    Who recovers a task from a server that is gone stores what became of it without the start, which
    only that server has stored: the two records become one attempt.

    Args:
        records: the first one first.
        is_active: whether the task is active now: then the latest attempt goes on.
    """
    merged: list[Attempt] = []
    for record in records:
        attempt = _attempt(record)
        if merged and _belong_together(merged[-1], attempt):
            attempt = _recovered(merged.pop(), attempt)
        elif merged and merged[-1].started_at == attempt.started_at is not None:
            attempt = _ended(merged.pop(), attempt)  # its start was stored once more
        merged.append(attempt)
    if is_active and merged and merged[-1].outcome == "unknown":
        merged[-1] = replace(merged[-1], outcome="running")
    return tuple(reversed(merged))


def _belong_together(before: Attempt, attempt: Attempt) -> bool:
    """Whether *attempt* tells what became of the one *before*."""
    is_recovery = attempt.outcome == "lost" and attempt.started_at is None
    is_open = before.outcome in ("unknown", "lost") and before.then is None
    return is_recovery and is_open and before.number == attempt.number


def _ended(one: Attempt, other: Attempt) -> Attempt:
    """Return of two records of one attempt the one that tells its end."""
    return other if one.outcome == "unknown" else one


def _recovered(before: Attempt, recovery: Attempt) -> Attempt:
    return replace(
        recovery,
        started_at=before.started_at,
        ended_at=before.ended_at or recovery.ended_at,
        waited=before.waited,
        host=before.host,
        pid=before.pid,
        server_id=before.server_id,
    )


def _attempt(record: AttemptRecord) -> Attempt:
    host, pid, server_id = _worker(record.worker)
    return Attempt(
        number=record.number,
        outcome=_OUTCOMES.get(record.outcome, "unknown"),
        then=_THENS.get(record.then),
        started_at=_moment(record.started_ns),
        ended_at=_moment(record.ended_ns),
        waited=None if record.waited_ns is None else to_span(record.waited_ns / NANOSECONDS),
        retry_at=_moment(record.retry_at_ns),
        error=record.error,
        traceback=record.traceback,
        host=host,
        pid=pid,
        server_id=server_id,
    )


def _worker(text: str) -> tuple[str, int, str]:
    """Return host, process and ID of a server, which stand in *text*; a host may hold colons."""
    host, _colon, server_id = text.rpartition(":")
    host, _colon, pid = host.rpartition(":")
    return host, int(pid) if pid.isdecimal() and len(pid) <= LONGEST_PID else 0, server_id


def _moment(time_ns: int) -> datetime | None:
    return to_datetime(time_ns) if time_ns > 0 else None
