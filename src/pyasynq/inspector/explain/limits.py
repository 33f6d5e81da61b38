"""Findings about the times after which a task must not start."""

from collections.abc import Iterator

from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.inspector.explain.facts import Facts
from pyasynq.inspector.explain.words import length, moment_of
from pyasynq.inspector.finding import Finding


def too_late(facts: Facts) -> Iterator[Finding]:
    """Tell that a task cannot start before a limit of its own, since it is over, or will be."""
    yield from expired(facts)
    yield from _deadline_passed(facts)


def expired(facts: Facts) -> Iterator[Finding]:
    """Tell that a task must not start any longer."""
    expires_ns = facts.task.expires_at_ns
    if expires_ns is not None and expires_ns <= _start_ns(facts):
        yield Finding(
            code="expired",
            severity="error",
            sentence=(
                f"It {_expires(facts, expires_ns)}, so a server in Python drops it instead of "
                "running it."
            ),
            evidence={
                "expires_at": to_datetime(expires_ns),
                "due_at": moment_of(facts.task.due_ns),
            },
            advice="enqueue it again with a later `expires`",
        )


def _deadline_passed(facts: Facts) -> Iterator[Finding]:
    deadline_ns = facts.message.deadline * NANOSECONDS if facts.message else 0
    if deadline_ns and deadline_ns <= _start_ns(facts):
        yield Finding(
            code="deadline_passed",
            severity="error",
            sentence=f"Its deadline {_is(facts, deadline_ns)}, so every attempt fails at once.",
            evidence={"deadline": to_datetime(deadline_ns), "due_at": moment_of(facts.task.due_ns)},
            advice=(
                "give it a later deadline with `inspector.tasks.replace(…, deadline=…)`, or "
                "enqueue it again"
            ),
        )


def _start_ns(facts: Facts) -> int:
    """Return when the task starts at the earliest."""
    return max(facts.now_ns, facts.task.due_ns or 0)


def _expires(facts: Facts, limit_ns: int) -> str:
    if limit_ns <= facts.now_ns:
        return f"expired {length(limit_ns, facts.now_ns)} ago"
    return "expires before it is due"


def _is(facts: Facts, limit_ns: int) -> str:
    if limit_ns <= facts.now_ns:
        return f"was {length(limit_ns, facts.now_ns)} ago"
    return "is before it is due"
