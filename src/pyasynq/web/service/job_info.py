"""A job on many tasks at one moment: what it does, how far it is, and what became of it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pyasynq.admin.jobs import JobResult
from pyasynq.inspector import Change

JobState = Literal["waiting", "running", "done", "failed", "cancelled", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInfo:
    """A job at one moment.

    Attributes:
        id: its ID.
        change: what it does.
        query: which tasks it means, as a filter; empty if they are named.
        named: how many tasks are named; 0 if a filter tells which.
        who: who asked for it; empty if nobody has to log in.
        state: "waiting" for others, "running", "done", "failed" for a reason that `error` tells,
            "cancelled" by somebody, or "stopped" by the end of this process.
        limit: how many tasks it changes at most; None for any number.
        confirmed: how many it deletes at most, since no more were confirmed; None if nobody had to.
        per_second: how many a second; None for as many as possible.
        asked_at: when it was asked for.
        started_at: when it began; None if it waits, or never has.
        ended_at: when it ended; None if it has not.
        result: how far it is, or what became of it.
        error: why it failed; empty if it did not.
    """

    id: str
    change: Change
    query: str
    named: int
    who: str
    state: JobState
    limit: int | None
    confirmed: int | None
    per_second: int | None
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    result: JobResult
    error: str

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state not in ("waiting", "running")

    @property
    def progress(self) -> float:
        """Which share of the tasks it has looked at, from 0 to 1."""
        if self.state == "done":
            return 1.0
        return min(1.0, self.result.scanned / self.result.total) if self.result.total else 0.0
