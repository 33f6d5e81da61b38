"""Findings about a scheduled or retried task: when it is due, and who makes it pending then."""

from collections.abc import Iterator

from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.inspector.explain.facts import Facts
from pyasynq.inspector.explain.limits import too_late
from pyasynq.inspector.explain.queues import clock_offset, paused, unread
from pyasynq.inspector.explain.servers import no_handler, no_server
from pyasynq.inspector.explain.words import between, command, error_text, length, moment, quoted
from pyasynq.inspector.finding import Finding
from pyasynq.shown import span

# asynq v0.26 server.go: servers look for due tasks every 5 s.
LATE_NS = 15 * NANOSECONDS


def waiting(facts: Facts) -> Iterator[Finding]:
    """Tell why a scheduled or retried task does not run yet."""
    yield from no_server(facts, "nobody will run it when it is due")
    yield from too_late(facts)
    yield from _due(facts)
    yield from paused(facts, is_waiting=False)
    yield from no_handler(facts)
    yield from clock_offset(facts)
    yield from unread(facts)
    yield from last_error(facts)
    yield from _group(facts)


def _due(facts: Facts) -> Iterator[Finding]:
    due_ns = facts.task.due_ns or 0  # what has no due time is due at once
    evidence = {
        "state": facts.task.state,
        "due_at": to_datetime(due_ns),
        "redis_time": facts.now,
        "retried": facts.message.retried if facts.message else None,
        "max_retry": facts.message.retry if facts.message else None,
    }
    late_ns = facts.now_ns - due_ns
    what = "Its retry" if facts.task.state == "retry" else "It"
    if late_ns < 0:
        yield Finding(
            code="not_due",
            severity="info",
            sentence=f"{what} is due in {_until(-late_ns)}, at {_clock_time(due_ns)}.",
            evidence=evidence,
            advice=f"{command('run', facts.queue, facts.task_id)} lets it run now",
        )
    elif late_ns < LATE_NS:
        yield Finding(
            code="due_now",
            severity="info",
            sentence=(
                f"{what} has been due for {length(due_ns, facts.now_ns)}; servers make due tasks "
                "pending every few seconds."
            ),
            evidence=evidence,
        )
    else:
        yield Finding(
            code="overdue",
            severity="warning",
            sentence=(
                f"{what} has been due for {length(due_ns, facts.now_ns)}, and no server has made "
                "it pending."
            ),
            evidence=evidence,
            advice=(
                f"{command('run', facts.queue, facts.task_id)} lets it run now; the log of the "
                "servers tells what keeps their forwarders"
            ),
        )


def last_error(facts: Facts) -> Iterator[Finding]:
    """Tell how the last attempt failed."""
    message = facts.message
    if message is None or not (message.error_msg or message.last_failed_at):
        return
    failed = ""
    if message.last_failed_at:
        failed = f" {length(message.last_failed_at * NANOSECONDS, facts.now_ns)} ago"
    retried = f"{message.retried} of {message.retry} retries used"
    if message.retried >= message.retry:
        retried += ", so the next failure archives it"
    yield Finding(
        code="last_error",
        severity="info",
        sentence=f"Its last attempt failed{failed} ({retried}): {error_text(message.error_msg)}",
        evidence={
            "error": message.error_msg,
            "failed_at": moment(message.last_failed_at),
            "retried": message.retried,
            "max_retry": message.retry,
        },
    )


def _group(facts: Facts) -> Iterator[Finding]:
    group = facts.task.group_when_due
    if group:
        yield Finding(
            code="joins_group",
            severity="info",
            sentence=(
                f"When it is due, it joins group {quoted(group)} if a Python server makes it "
                "pending, and waits there to be aggregated."
            ),
            evidence={"group": group},
        )


def _until(span_ns: int) -> str:
    return span(between(0, max(span_ns, NANOSECONDS)))


def _clock_time(time_ns: int) -> str:
    return f"{to_datetime(time_ns):%Y-%m-%d %H:%M:%S} UTC"
