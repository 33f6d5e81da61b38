"""The form that enqueues a task: from its fields to the task. Pure."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from pyasynq.admin.filters.values import read_span, read_span_or_moment
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.web.pages.forms import Form
from pyasynq.web.questions import whole_number
from pyasynq.web.refusal import Refusal, as_bad_request

T = TypeVar("T")

KINDS = ("json", "text")
UNIX, DOS = "\n", "\r\n"


def task_of(form: Form, now: datetime) -> Task:
    """Return the task that a form describes.

    Args:
        form: what was sent; a field that is empty was not given.
        now: the time of Redis.

    Raises:
        Refusal: something of it makes no sense.
    """
    when = _given(form, "when", read_span_or_moment)
    with as_bad_request():
        options = EnqueueOptions(
            queue=form.text("queue") or None,
            task_id=form.text("id") or None,
            max_retry=_given(form, "max_retry", _whole),
            timeout=_given(form, "timeout", read_span),
            deadline=_given(form, "deadline", lambda text: _moment(text, now)),
            unique=_given(form, "unique", read_span),
            process_at=when if isinstance(when, datetime) else None,
            process_in=when if isinstance(when, timedelta) else None,
            retention=_given(form, "retention", read_span),
            group=form.text("group") or None,
        )
        return Task(form.text("type"), payload_of(form), headers=headers_of(form), options=options)


def payload_of(form: Form) -> bytes | None:
    """Return the payload; None if there is none.

    Raises:
        Refusal: it is said to be JSON, and is none.
    """
    text = form.text("payload").replace(DOS, UNIX)
    if not text.strip():
        return None
    if form.text("kind", "json") == "json":
        try:
            json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Refusal(
                400, f"the payload is not JSON: {error}", key="payload_not_json"
            ) from error
    return text.encode("utf-8", "surrogateescape")


def headers_of(form: Form) -> Mapping[str, str]:
    """Return the headers, of which each line is one, such as ``trace: 1f``.

    Raises:
        Refusal: a line has no colon.
    """
    lines = [line for line in form.text("headers").splitlines() if line.strip()]
    parts = [line.partition(":") for line in lines]
    if any(not colon for _name, colon, _value in parts):
        raise Refusal(
            400, "each line of the headers must be a name, a colon and a value", key="headers"
        )
    return {name.strip(): value.strip() for name, _colon, value in parts}


def _given(form: Form, name: str, read: Callable[[str], T]) -> T | None:
    """Return a field; None if it is empty.

    Raises:
        Refusal: it cannot be read.
    """
    text = form.text(name).strip()
    if not text:
        return None
    try:
        return read(text)
    except (ValueError, OverflowError) as error:
        raise Refusal(400, f"{name}: {error}") from error


def _moment(text: str, now: datetime) -> datetime:
    given = read_span_or_moment(text)
    return now + given if isinstance(given, timedelta) else given


def _whole(text: str) -> int:
    value = whole_number(text)
    if value is None:
        raise ValueError("must be a whole number")
    return value
