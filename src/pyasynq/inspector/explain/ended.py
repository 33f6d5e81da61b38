"""Findings about tasks that have ended: archived and completed ones."""

from collections.abc import Iterator

from pyasynq.clock import NANOSECONDS, to_span
from pyasynq.inspector.explain.facts import Facts
from pyasynq.inspector.explain.words import command, error_text, length, moment, score_ns
from pyasynq.inspector.finding import Finding
from pyasynq.shown import span


def archived(facts: Facts) -> Iterator[Finding]:
    """Tell why a task was archived, and how to run it."""
    message, score = facts.message, facts.task.place.score
    if message is None:
        return
    at_ns = score_ns(score)
    when = "" if at_ns is None else f" {length(at_ns, facts.now_ns)} ago"
    retries_left = message.retry - message.retried
    if not message.error_msg:
        why = "without an error, by hand"
    elif retries_left > 0:
        why = f"with {retries_left} of {message.retry} retries left, so by hand or by its error"
    else:
        attempts = message.retried + 1
        why = "since its only attempt failed"
        if attempts > 1:
            why = f"since the last of its {attempts} attempts failed"
    told = f": {error_text(message.error_msg)}" if message.error_msg else "."
    yield Finding(
        code="archived",
        severity="error",
        sentence=f"It was archived{when}, {why}{told}",
        evidence={
            "archived_at": moment(score),
            "error": message.error_msg,
            "failed_at": moment(message.last_failed_at),
            "retried": message.retried,
            "max_retry": message.retry,
        },
        advice=(
            f"mend the cause, then {command('run', facts.queue, facts.task_id)} runs it once more; "
            "an archived task is deleted after 90 days, or when 10,000 later ones are archived"
        ),
    )


def completed(facts: Facts) -> Iterator[Finding]:
    """Tell that a task is done, and until when it is kept."""
    message, score = facts.message, facts.task.place.score
    if message is None:
        return
    done_ns = message.completed_at * NANOSECONDS
    when = f" {length(done_ns, facts.now_ns)} ago" if done_ns else ""
    ends_ns = score_ns(score)
    if ends_ns is None:
        kept = ""
    elif ends_ns > facts.now_ns:
        kept = f"; it is kept for another {length(facts.now_ns, ends_ns)}"
    else:
        kept = "; its retention is over, so the next look of a server deletes it"
    yield Finding(
        code="completed",
        severity="info",
        sentence=f"It was done{when}{kept} (retention {span(to_span(message.retention))}).",
        evidence={
            "completed_at": moment(message.completed_at),
            "kept_until": moment(score),
            "retention": to_span(message.retention),
        },
        advice=f"{command('run', facts.queue, facts.task_id)} runs it once more",
    )
