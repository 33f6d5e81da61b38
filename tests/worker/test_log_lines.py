"""The two forms of lines of the log: text for people, and JSON that every parser takes."""

import json
import logging
import re
import signal
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyasynq.worker.log_lines import JsonLine, TextLine

OF_A_TASK = {"task_id": "5f0c2a1b-full", "task_type": "resize", "queue": "images", "attempt": 2}


def a_record(level: int = logging.INFO, text: object = "text", *args: object, **extra: object):
    record = logging.LogRecord("shop", level, __file__, 1, text, args, None)
    vars(record).update(extra)
    return record


def line_of(record: logging.LogRecord) -> dict[str, object]:
    text = JsonLine().format(record)
    assert "\n" not in text
    assert text.isascii()
    return json.loads(text, parse_constant=pytest.fail)


def raised() -> ValueError:
    try:
        raise ValueError("too wide\nby far")
    except ValueError as error:
        return error


def test_colours_are_for_warnings_and_errors():
    line = TextLine(is_coloured=True)

    assert line.format(a_record(logging.ERROR)).startswith("\x1b[31m")
    assert "\x1b" not in line.format(a_record(logging.INFO))
    assert "\x1b" not in TextLine().format(a_record(logging.ERROR))


def test_an_error_without_frames_is_told_once_by_the_line():
    record = a_record(logging.ERROR)
    error = TimeoutError("its time was up")
    record.exc_info, record.exc_text = (TimeoutError, error, None), "TimeoutError: its time was up"

    assert "TimeoutError" not in TextLine().format(record)
    assert line_of(record)["traceback"] == "TimeoutError: its time was up"


def test_a_line_of_text_ends_with_its_task_before_what_follows():
    record = a_record(logging.ERROR, "one\ntwo", **OF_A_TASK)
    error = raised()
    record.exc_info = type(error), error, error.__traceback__

    head, *rest = TextLine().format(record).split("\n")

    assert head.endswith(" ERROR   shop: one [resize[5f0c2a1b], attempt 2]")
    assert rest[:2] == ["two", "Traceback (most recent call last):"]


def test_a_line_of_text_of_an_aggregator_ends_with_its_group():
    line = TextLine().format(a_record(group="a\n", queue="images"))

    assert line.endswith(r" shop: text [group 'a\\n']")


@pytest.mark.parametrize("name", ["pyasynq", "pyasynq.task"])
def test_lines_of_pyasynq_name_their_tasks_themselves(name):
    record = a_record(**OF_A_TASK)
    record.name = name

    assert TextLine().format(record).endswith(f" {name}: text")


@pytest.mark.parametrize("own", [{"task_id": "a"}, {**OF_A_TASK, "attempt": "x"}, {"group": 1}])
def test_fields_of_an_application_with_the_same_names_do_no_harm(own):
    assert TextLine().format(a_record(**own)).endswith(" shop: text")


def test_a_line_of_json_has_its_time_in_utc_with_milliseconds_and_all_fields():
    record = a_record(**OF_A_TASK)
    record.created = datetime(2026, 7, 1, 12, 0, 0, 5000, tzinfo=UTC).timestamp()

    assert line_of(record) == {
        "time": "2026-07-01T12:00:00.005+00:00",
        "level": "info",
        "logger": "shop",
        "message": "text",
        **OF_A_TASK,
    }


def test_a_line_of_json_has_the_traceback_and_the_stack_as_texts():
    record = a_record()
    error = raised()
    record.exc_info = type(error), error, error.__traceback__
    record.stack_info = "Stack (most recent call last):\n  here"

    line = line_of(record)

    assert line["traceback"].endswith("ValueError: too wide\nby far")
    assert line["stack"] == record.stack_info


def test_fields_of_an_application_do_not_replace_those_of_every_line():
    line = line_of(a_record(time="noon", logger=7, traceback="none"))

    assert (line["logger"], line["extra_logger"]) == ("shop", 7)
    assert (line["extra_time"], line["extra_traceback"]) == ("noon", "none")
    assert re.fullmatch(r"[\d-]{10}T[\d:.+]+", line["time"])


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (signal.SIGTERM.__class__, "<enum 'Signals'>"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ([1, float("nan")], "[1, nan]"),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        ("a\udc80\ud800\n", r"a\x80\ud800" + "\n"),
        ({"k\udc80": ["\udcff"]}, {r"k\x80": [r"\xff"]}),
        ("😀 \\ud800", "😀 \\ud800"),
        (b"\xff", r"b'\xff'"),
        (Unspeakable(), "<Unspeakable>"),
        ([Unspeakable()], ["<Unspeakable>"]),
    ],
)
def test_what_json_does_not_know_is_written_as_text(value, written):
    line = line_of(a_record(value=value, other="kept"))

    assert (line["value"], line["other"]) == (written, "kept")


def test_what_is_nested_too_deeply_for_json_is_still_a_line():
    deep: object = "\udc80"
    for _ in range(20_000):
        deep = [deep]

    assert line_of(a_record(value=deep))["value"] == "<list>"


def test_a_circle_is_written_as_text():
    circle: list[object] = []
    circle.append(circle)

    assert line_of(a_record(value=circle))["value"] == "[[...]]"


def test_a_line_whose_arguments_do_not_fit_is_a_line_that_says_so():
    line = line_of(a_record(logging.INFO, "%d tasks", "many"))

    assert line["message"] == "%d tasks (its arguments do not fit: TypeError)"


def test_a_record_of_another_process_keeps_its_traceback():
    record = a_record(exc_text="Traceback:\n  here")

    assert line_of(record)["traceback"] == "Traceback:\n  here"


def test_a_field_whose_name_is_no_text_is_written_as_text():
    record = a_record()
    vars(record)[1, 2] = "value"

    assert line_of(record)["(1, 2)"] == "value"


def test_a_long_line_is_kept_whole_on_one_line():
    text = "x\r\n\x85\u2028" * 200_000

    assert line_of(a_record(logging.INFO, "%s", text))["message"] == text


PIECES = st.text(max_size=5) | st.sampled_from(["\ud800", "\udc80", "\udfff"])  # lone surrogates
TEXTS = st.lists(PIECES, max_size=4).map("".join)
values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.binary() | TEXTS,
    lambda each: st.lists(each, max_size=2) | st.dictionaries(st.integers(), each, max_size=2),
    max_leaves=3,
)


some = settings(max_examples=100 if settings.get_current_profile_name() == "steady" else 1000)


@some
@given(
    TEXTS,
    st.dictionaries(TEXTS, values, max_size=3),
)
def test_any_record_is_one_valid_line(text, extra):
    record = a_record(logging.INFO, "%s", text, **extra)

    line = line_of(record)

    assert {"time", "level", "logger", "message"} <= line.keys()
    assert json.dumps(line, ensure_ascii=False).encode()


def test_the_names_of_the_loggers_of_others_may_begin_alike():
    record = a_record(**OF_A_TASK)
    record.name = "pyasynq_shop"

    assert TextLine().format(record).endswith(", attempt 2]")


def test_a_formatter_takes_a_message_that_is_no_text():
    assert line_of(a_record(logging.INFO, SimpleNamespace(a=1)))["message"] == "namespace(a=1)"
