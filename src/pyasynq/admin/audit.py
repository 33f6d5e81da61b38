"""The audit log: a line for each job and each action: what was asked for, and what became of it.

A job that somebody else than its caller may look at and stop has a name, and a line when it begins.

The logger is ``pyasynq.admin``. What the line says is in the fields of the record, too, so that a
JSON formatter writes them. It never holds a payload, a result, a header or an error: what a filter
compares with these is left out.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyasynq.admin.filters import AllOf, AnyOf, Filter, Not, Term, Text
from pyasynq.admin.jobs import JobResult
from pyasynq.inspector.changes import Change
from pyasynq.shown import shown

LONGEST_FILTER = 500  # characters
LONGEST_WHO = 200
LEFT_OUT = "…"
CAPPED = "stopped, since no more were confirmed"
CONTENTS = ("payload", "result", "headers", "error")

logger = logging.getLogger("pyasynq.admin")


def begin(who: str, change: Change, query: Filter | None, name: str) -> None:
    """Log that a job begins; `action` logs its end.

    Args:
        who: who does it; empty if that is not known.
        change: what is done.
        query: to which tasks; None for tasks that were named.
        name: of the job.
    """
    fields = {**_fields(who, change, query, name), "outcome": "begins"}
    logger.info(
        "%s by %s: begins, job %s, filter: %s",
        change.verb,
        fields["who"] or "somebody",
        name,
        fields["filter"],
        extra=fields,
    )


@contextmanager
def action(
    who: str, change: Change, query: Filter | None, result: JobResult, name: str = ""
) -> Iterator[None]:
    """Log one line at the end of a job, however it ends.

    Args:
        who: who does it; empty if that is not known.
        change: what is done.
        query: to which tasks; None for tasks that were named.
        result: how far it is.
        name: of the job, if it has one.
    """
    outcome = "failed"
    try:
        yield
        outcome = _outcome(result)
    except BaseException as error:
        outcome = _stopped_by(result, f"stopped by {type(error).__name__}")
        raise
    finally:
        fields = {
            **_fields(who, change, query, name),
            "outcome": outcome,
            "done": result.done,
            "changed_meanwhile": result.changed_meanwhile,
            "failed": result.failed,
        }
        logger.info(
            "%s by %s: %s, %d done, %d changed meanwhile, %d failed, %sfilter: %s",
            change.verb,
            fields["who"] or "somebody",
            outcome,
            result.done,
            result.changed_meanwhile,
            result.failed,
            f"job {name}, " if name else "",
            fields["filter"],
            extra=fields,
        )


def _fields(who: str, change: Change, query: Filter | None, name: str) -> dict[str, object]:
    said = "tasks by ID" if query is None else without_contents(query)
    return {
        "who": shown(who, LONGEST_WHO),
        "action": change.verb,
        "filter": shown(said, LONGEST_FILTER),
        **({"job": name} if name else {}),
    }


def _outcome(result: JobResult) -> str:
    if result.is_cancelled:
        return _stopped_by(result, "cancelled")
    return CAPPED if result.is_capped else "done"


def _stopped_by(result: JobResult, otherwise: str) -> str:
    return f"stopped by {shown(result.stopped_by)}" if result.stopped_by else otherwise


@dataclass(slots=True)
class Deed:
    """What is done to a queue or to tasks that were named, while it is done.

    Attributes:
        done: how many were changed.
        failed: how many were not.
    """

    done: int = 0
    failed: int = 0


@contextmanager
def deed(who: str, verb: str, subject: str) -> Iterator[Deed]:
    """Log one line at the end of what somebody does, however it ends.

    Args:
        who: who does it; empty if that is not known.
        verb: what is done.
        subject: to what, such as "queue 'mail'".

    Yields:
        What to count in if it is done to several tasks.
    """
    counted = Deed()
    outcome = "done"
    try:
        yield counted
    except BaseException as error:
        outcome = f"stopped by {type(error).__name__}"
        raise
    finally:
        fields = {
            "who": shown(who, LONGEST_WHO),
            "action": verb,
            "subject": shown(subject, LONGEST_FILTER),
            "outcome": outcome,
            "done": counted.done,
            "failed": counted.failed,
        }
        is_of_many = counted.done or counted.failed
        counts = f", {counted.done} done, {counted.failed} failed" if is_of_many else ""
        logger.info(
            "%s by %s: %s, %s%s",
            verb,
            fields["who"] or "somebody",
            outcome,
            fields["subject"],
            counts,
            extra=fields,
        )


def without_contents(query: Filter) -> str:
    """Return a filter as text, without what it compares with payloads, results and the like."""
    match query:
        case AllOf(parts):
            return " ".join(map(_grouped, parts)) or "all"
        case AnyOf(parts):
            return " or ".join(map(_grouped, parts))
        case Not(part):
            return f"!{_grouped(part)}"
        case Text():
            return LEFT_OUT
        case Term(field=field, operator=operator) if field in CONTENTS:
            return f"{field}{operator}{LEFT_OUT}"
    return str(query)


def _grouped(part: Filter) -> str:
    text = without_contents(part)
    return f"({text})" if isinstance(part, AllOf | AnyOf) else text
