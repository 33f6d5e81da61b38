"""What the fields of a page say is to be done to many tasks. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from pyasynq.admin.filters.values import read_span_or_moment
from pyasynq.errors import ConfigError
from pyasynq.inspector import Change
from pyasynq.options import CancelThen
from pyasynq.task import TaskState
from pyasynq.web.pages.forms import Form
from pyasynq.web.questions import whole_number
from pyasynq.web.refusal import Refusal
from pyasynq.web.service.job_request import JobRequest

FIELDS = ("verb", "query", "queue", "state", "group", "then", "limit")
"""What a page of one job keeps in its URL and sends with its form."""


def request_of(form: Form, now: datetime, *, needs_time: bool) -> JobRequest:
    """Return what is to be done.

    Args:
        form: the fields.
        now: the time of Redis.
        needs_time: whether it must be said when tasks are due that are rescheduled; without, they
            can be counted, but not moved.

    Raises:
        Refusal: something of it makes no sense.
    """
    verb = cast("Any", form.text("verb"))
    state = form.text("state")
    if state not in ("", *TaskState):
        raise Refusal(400, f"state must be one of {', '.join(TaskState)}", key="state")
    try:
        change = Change(
            verb=verb,
            at=_due(form, now, needs_time=needs_time) if verb == "reschedule" else None,
            then=cast("CancelThen", form.text("then") or "retry"),
        )
    except ConfigError as error:
        raise Refusal(400, str(error)) from error
    return JobRequest(
        change=change,
        query=form.text("query") or None,
        queue=form.text("queue"),
        state=TaskState(state) if state else None,
        group=form.text("group") or None,
        limit=_number(form, "limit"),
        per_second=_number(form, "per_second"),
    )


def kept(form: Form) -> Sequence[tuple[str, str]]:
    """Return the fields that say what is to be done, for another form."""
    return [(each, form.text(each)) for each in FIELDS if form.text(each)]


def _due(form: Form, now: datetime, *, needs_time: bool) -> datetime:
    text = form.text("when").strip()
    if not text and not needs_time:
        return now
    try:
        given = read_span_or_moment(text)
        return now + given if isinstance(given, timedelta) else given
    except (ValueError, OverflowError) as error:
        raise Refusal(400, f"when the tasks are due: {error}") from error


def _number(form: Form, name: str) -> int | None:
    text = form.text(name).strip()
    value = whole_number(text)
    if text and value is None:
        raise Refusal(
            400, f"{name} must be a whole number", key="whole_number", values={"name": name}
        )
    return value
