"""Values of labels are short and can be encoded, and different texts stay different."""

import pytest

from pyasynq.measurements.label import LONGEST, label_value, presentable
from pyasynq.measurements.reading import Distribution, Reading


@pytest.mark.parametrize("text", ["mail", "идеи", 'a"b\\c\nd', "", "x" * LONGEST, "\u2028\x7f"])
def test_what_every_reader_takes_stays_as_it_is(text):
    assert label_value(text) == text


@pytest.mark.parametrize("text", ["a\x00b", "ol\udce9", "\ud800", "y" * 10_000])
def test_what_is_odd_or_long_becomes_short_text_that_can_be_encoded(text):
    value = label_value(text)

    assert len(value.encode()) <= 4 * LONGEST + 20
    assert "\x00" not in value
    assert label_value(value) == value


def test_texts_that_begin_alike_or_look_alike_stay_different():
    texts = ["y" * 10_000, "y" * 10_001, "a\x00", "a\\x00", "ol\udce9", "ol\\xe9"]

    assert len(set(map(label_value, texts))) == len(texts)


def test_numbers_that_no_message_can_hold_are_left_out():
    readings = [
        Reading("a", ("x",), float("inf")),
        Reading("b", ("x",), float("nan")),
        Reading("c", ("\x00",), Distribution([1], 2.0)),
    ]

    (kept,) = presentable(readings)

    assert (kept.metric, kept.labels) == ("c", (label_value("\x00"),))
