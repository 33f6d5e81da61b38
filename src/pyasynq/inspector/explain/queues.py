"""Findings about the queue of a task, and about clocks."""

from collections.abc import Iterator

from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.inspector import pauses
from pyasynq.inspector.explain.facts import Facts
from pyasynq.inspector.explain.words import between, length, moment, quoted
from pyasynq.inspector.finding import Finding
from pyasynq.shown import span

LARGE_OFFSET_NS = NANOSECONDS


def paused(facts: Facts, *, is_waiting: bool = True) -> Iterator[Finding]:
    """Tell that the queue is paused: since when, by whom, why, and until when.

    Args:
        facts: what was read.
        is_waiting: whether only that keeps the task waiting; else it will, later on.
    """
    stats = facts.stats
    if stats is None or not stats.is_paused:
        return
    details = pauses.decode(stats.pause_details, stats.paused_since_s)
    since = moment(stats.paused_since_s)
    parts = [f"Queue {quoted(facts.queue)} is paused"]
    if stats.paused_since_s:
        ago = length(stats.paused_since_s * NANOSECONDS, facts.now_ns)
        parts = [f"Queue {quoted(facts.queue)} has been paused for {ago}"]
    if details.by:
        parts.append(f"by {quoted(details.by)}")
    if details.until_ns is not None:
        parts.append(f"and for another {length(facts.now_ns, details.until_ns)}")
    reason = f": {quoted(details.reason)}" if details.reason else ""
    yield Finding(
        code="paused",
        severity="error" if is_waiting and details.until_ns is None else "warning",
        sentence=f"{', '.join(parts)}{reason}.",
        evidence={
            "queue": facts.queue,
            "since": since,
            "by": details.by,
            "reason": details.reason,
            "until": None if details.until_ns is None else to_datetime(details.until_ns),
        },
        advice=f"`pyasynq queue resume {facts.queue}` ends the pause",
    )


def clock_offset(facts: Facts) -> Iterator[Finding]:
    """Tell that the clock of this machine is wrong, or that of Redis."""
    if abs(facts.offset_ns) < LARGE_OFFSET_NS:
        return
    offset = between(0, abs(facts.offset_ns))
    where = "ahead of" if facts.offset_ns < 0 else "behind"
    yield Finding(
        code="clock_offset",
        severity="warning",
        sentence=(
            f"The clock of this machine is {span(offset)} {where} that of Redis, by which tasks "
            "become due."
        ),
        evidence={"redis_ahead_s": facts.offset_ns / NANOSECONDS, "redis_time": facts.now},
        advice=(
            "set the clocks by NTP; programs that schedule by their own clock, as in Go, are wrong "
            "by as much"
        ),
    )


def unread(facts: Facts) -> Iterator[Finding]:
    """Tell what could not be read, and is not known."""
    for what, why in facts.unread.items():
        yield Finding(
            code="not_readable",
            severity="warning",
            sentence=f"The {what} could not be read, so what follows from them is not known.",
            evidence={"what": what, "error": why},
            advice="mend what the error names, and ask again",
        )
