"""Duration texts against those of Go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyasynq.errors import PayloadError
from pyasynq.wire.go_duration import format_duration, parse_duration
from tests.support.golden_data import blob, load

GOLDEN = load("durations")


def test_every_recorded_case_is_replayed():
    assert (len(GOLDEN["format"]), len(GOLDEN["parse"])) == (54, 90)


@pytest.mark.parametrize("case", GOLDEN["format"], ids=lambda case: case["text"])
def test_formatting_gives_the_text_of_go(case):
    assert format_duration(case["ns"]) == case["text"]


@pytest.mark.parametrize("case", GOLDEN["parse"], ids=lambda case: repr(case["text"]))
def test_parsing_reads_what_go_reads(case):
    text = blob(case["text"]).decode("utf-8", "surrogateescape")
    if not case["ok"]:
        with pytest.raises(PayloadError):
            parse_duration(text)
        return

    duration_ns = parse_duration(text)

    assert duration_ns == case["ns"]
    assert format_duration(duration_ns) == case["text_again"]


@pytest.mark.parametrize(
    ("text", "duration_ns"),
    [
        (f"0.{'0' * 5000}1s", 0),
        (f"0.5{'0' * 5000}s", 500_000_000),
        (f"0.{'9' * 5000}ns", 1),  # as Go rounds
        (f"{'0' * 5000}7ns", 7),
    ],
    ids=["small", "half", "nines", "seven"],
)
def test_numbers_of_thousands_of_digits_are_read(text, duration_ns):
    assert parse_duration(text) == duration_ns


def test_a_number_of_thousands_of_digits_is_too_long_a_duration():
    with pytest.raises(PayloadError, match="fits into 64 bits"):
        parse_duration(f"{'9' * 5000}ns")


@given(st.integers(-(2**63), 2**63 - 1))
def test_parsing_undoes_formatting(duration_ns):
    assert parse_duration(format_duration(duration_ns)) == duration_ns


nearly = st.from_regex(r"[+-]?([0-9]{0,22}(\.[0-9]{0,22})?(ns|us|ms|s|m|h)){1,3}", fullmatch=True)


@given(st.text(max_size=20) | nearly)
def test_any_text_gives_a_duration_or_a_clear_error(text):
    try:
        duration_ns = parse_duration(text)
    except PayloadError:
        return

    assert -(2**63) <= duration_ns < 2**63
