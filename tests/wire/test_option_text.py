"""Option texts against those of Go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyasynq.errors import PayloadError
from pyasynq.wire.option_text import Moment, Option, format_option, parse_option, quote, unquote
from tests.support.golden_data import blob, load

GOLDEN = load("options")
# Go loses these on reading: the two kinds it never reads, and arguments with a closing bracket.
NOT_READ_BY_GO = ("TaskID(", "Group(")


def option_of(recorded) -> Option:
    kind, value = recorded["type"], recorded["value"]
    if isinstance(value, list):
        return Option(kind, tuple(blob(each).decode("utf-8", "surrogateescape") for each in value))
    if isinstance(value, dict) and "duration_ns" in value:
        return Option(kind, value["duration_ns"])
    if isinstance(value, dict) and "seconds" in value:
        return Option(kind, Moment(value["seconds"], value["utc_offset"], value["zone"]))
    if isinstance(value, str | dict):
        return Option(kind, blob(value).decode("utf-8", "surrogateescape"))
    return Option(kind, value)


def is_lost_by_go(text: str) -> bool:
    return text.startswith(NOT_READ_BY_GO) or text.count(")") > 1


def test_every_recorded_case_is_replayed():
    assert (len(GOLDEN["options"]), len(GOLDEN["reader"])) == (69, 76)


# Python's dates end with the year 9999.
WRITTEN = [case for case in GOLDEN["options"] if "12345" not in str(case["text"])]


@pytest.mark.parametrize("case", WRITTEN, ids=lambda case: str(case["text"])[:50])
def test_writing_gives_the_text_of_go(case):
    text = blob(case["text"]).decode("utf-8", "surrogateescape")

    assert format_option(option_of(case["option"])) == text


READ = [case for case in (*GOLDEN["options"], *GOLDEN["reader"]) if "option" in case["read_back"]]
REFUSED = [
    case
    for case in (*GOLDEN["options"], *GOLDEN["reader"])
    if "option" not in case["read_back"] and not is_lost_by_go(blob(case["text"]).decode())
]


@pytest.mark.parametrize("case", READ, ids=lambda case: str(case["text"])[:50])
def test_reading_gives_what_go_reads(case):
    text = blob(case["text"]).decode("utf-8", "surrogateescape")

    assert parse_option(text) == option_of(case["read_back"]["option"])


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: str(case["text"])[:50])
def test_what_go_drops_is_refused(case):
    with pytest.raises(PayloadError):
        parse_option(blob(case["text"]).decode())


def test_most_cases_are_read_or_refused_as_by_go():
    assert (len(READ), len(REFUSED)) == (97, 33)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ('TaskID("x")', Option("TaskID", "x")),
        ('Group("a)b")', Option("Group", "a)b")),
        ('Queue("(x)")', Option("Queue", "(x)")),
        ('Header(["paren","f(x)"])', Option("Header", ("paren", "f(x)"))),
    ],
)
def test_what_go_loses_is_read(text, option):
    assert parse_option(text) == option
    assert format_option(option) == text


def test_an_unknown_option_cannot_be_written():
    with pytest.raises(PayloadError, match="'Foo' is not an option"):
        format_option(Option("Foo", 1))


@pytest.mark.parametrize(
    ("digits", "value"), [("0" * 5000 + "7", 7), ("-" + "0" * 5000 + "7", 0), ("+7", 7)]
)
def test_a_number_with_thousands_of_zeros_is_read(digits, value):
    assert parse_option(f"MaxRetry({digits})") == Option("MaxRetry", value)


@pytest.mark.parametrize("digits", ["9" * 5000, str(2**63), str(-(2**63))])
def test_a_number_beyond_64_bits_is_refused(digits):
    with pytest.raises(PayloadError):
        parse_option(f"MaxRetry({digits})")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_unquoting_undoes_quoting(text):
    assert unquote(quote(text)) == text


@given(st.text(max_size=40))
def test_any_text_gives_an_option_or_a_clear_error(text):
    for candidate in (text, f"Queue({text}", f"Deadline({text})", f"Header({text})"):
        try:
            parse_option(candidate)
        except PayloadError:
            continue
