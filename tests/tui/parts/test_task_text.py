"""All about a task, as text."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.inspector import Finding
from pyasynq.task import Progress, TaskInfo, TaskState
from pyasynq.tui.parts.colours import DARK
from pyasynq.tui.parts.task_text import LONGEST, TaskData, in_form, task_text

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def info(**fields):
    values = {"id": "a", "queue": "mail", "type": "t", "payload": b"", "headers": {}}
    return TaskInfo(**{**values, "state": TaskState.ARCHIVED, "max_retry": 3, **fields})


def text_of(task, form="JSON", **data):
    return task_text(TaskData(info=task, **data), NOW, DARK, form).plain


@pytest.mark.parametrize(
    ("data", "form", "shown"),
    [
        (b'{"a":1,"b":[2]}', "JSON", '{\n  "a": 1,\n  "b": [\n    2\n  ]\n}'),
        (b'{"a":1}', "text", '{"a":1}'),
        (b'{"a":1}', "hex", "0x7b2261223a317d"),
        (b"12345678901234567890123", "JSON", "12345678901234567890123"),
        (b'{"n":12345678901234567890123}', "JSON", '{\n  "n": 12345678901234567890123\n}'),
        (b'{"broken', "JSON", '{"broken'),
        (b"\xff\x00", "JSON", "non-printable bytes"),
        (b"\xff\x00", "hex", "0xff00"),
        (b'{"x":"\x1b[2J"}', "JSON", "non-printable bytes"),
        (b"", "JSON", ""),
    ],
)
def test_a_payload_is_shown_as_json_as_text_or_as_digits(data, form, shown):
    assert in_form(data, form) == shown


def test_a_large_payload_is_cut():
    shown = in_form(b"x" * (LONGEST + 5), "text")

    assert shown.endswith("\n… (5 more characters)")
    assert len(shown) < LONGEST + 50


def test_only_what_is_known_is_shown():
    text = text_of(info())

    assert "archived" in text
    for absent in ("Group", "Timeout", "Headers", "Result", "Last error", "Progress"):
        assert absent not in text


def test_everything_that_is_known_is_shown():
    text = text_of(
        info(
            retried=2,
            last_error="line 1\nline 2\x1b",
            last_failed_at=NOW - timedelta(minutes=5),
            headers={"b": "2", "a": "1"},
            group="g",
            timeout=timedelta(seconds=90),
            deadline=NOW + timedelta(hours=1),
            retention=timedelta(days=1),
            completed_at=NOW,
            result=b"done",
        ),
        progress=Progress(done=1, total=4, attempt=1, at=NOW, note="half"),
    )

    assert "Retried       2 of 3\n" in text
    assert "Last failed   2026-01-31 11:55:00 UTC (5m ago)\n" in text
    assert "Deadline      2026-01-31 13:00:00 UTC (in 1h)\n" in text
    assert "\nLast error\nline 1\nline 2\\x1b\n" in text
    assert "\nHeaders\na = 1\nb = 2\n" in text
    assert text.endswith("Result · JSON\ndone")
    assert "25%  1 of 4  half  (0s ago)" in text


def test_it_is_told_why_a_task_does_not_run_and_what_to_do():
    paused = Finding(
        code="paused",
        severity="error",
        sentence="Queue 'mail' is paused.",
        evidence={},
        advice="resume it",
    )
    due = Finding(code="due", severity="info", sentence="It is due.", evidence={})

    shown = text_of(info(state=TaskState.PENDING, last_error="oh"), findings=[paused, due])

    assert "\n● Queue 'mail' is paused.\n  resume it\n● It is due.\n\nLast error\n" in shown
