"""Tables are aligned, fit the terminal, and are safe to show whatever is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyasynq.cli.table import fields, table
from pyasynq.cli.text_width import cut_to, padded, width_of


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("é", 1), ("e\u0301", 1), ("日本語", 6), ("🎉", 2), ("한국어", 6), ("ｱ", 1)],
)
def test_the_width_of_a_text_is_what_a_terminal_needs(text, width):
    assert width_of(text) == width


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 4, "abc…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_what_does_not_fit_ends_with_an_ellipsis(text, width, cut):
    assert cut_to(text, width) == cut


def test_columns_of_any_script_are_aligned():
    assert table(["Name", "N"], [["日本", 1], ["e\u0301", 2], ["🎉", 3]]) == (
        "Name  N\n----  -\n日本  1\ne\u0301     2\n🎉    3"
    )


def test_columns_that_may_be_cut_are_cut_first():
    rows = [["0123456789abcdef", "x" * 60]]

    shown = table(["ID", "Payload"], rows, width=40, cuttable=["Payload"])

    assert shown.splitlines()[2] == f"0123456789abcdef  {'x' * 21}…"


def test_other_columns_are_cut_only_if_that_is_not_enough():
    rows = [["0123456789abcdef", "x" * 60]]

    shown = table(["ID", "Payload"], rows, width=20, cuttable=["Payload"])

    assert shown.splitlines()[2] == "012345678…  xxxxxxx…"


def test_an_odd_cell_stays_one_line_that_moves_no_cursor():
    row = ["\x1b[2J\x07", "a\nb\tc\r\u202ed", "ol\udce9", "x" * 1000]

    line = table(["A", "B", "C", "D"], [row]).splitlines()[2]

    assert line.isprintable()
    assert "\\x1b[2J\\x07" in line
    assert "a b c \\u202ed" in line
    assert "ol\\xe9" in line
    assert line.endswith(f"{'x' * 200}…")


ANY = st.text(st.characters(exclude_categories=[])) | st.integers()


@given(st.lists(st.tuples(ANY, ANY, ANY), max_size=5), st.integers(1, 60))
def test_no_line_is_wider_than_the_terminal_or_unprintable(rows, width):
    lines = table(["ID", "Payload", "Error"], rows, width=width, cuttable=["Error"]).split("\n")

    assert len(lines) == 2 + len(rows)
    assert all(width_of(line) <= width and line.isprintable() for line in lines)


@given(st.text(st.characters(exclude_categories=["C", "Z"])), st.integers(0, 40))
def test_what_is_cut_and_padded_has_the_width_that_is_asked_for(text, width):
    assert width_of(padded(cut_to(text, width), width)) == width


def test_fields_show_all_lines_of_a_value():
    assert fields([("Name", "mail"), ("Payload", "{\n\t1\x1b\n}")]) == (
        "Name:    mail\nPayload: {\n             1\\x1b\n         }"
    )


def test_headings_are_emphasised_on_a_terminal_only():
    assert table(["A"], [["x"]], is_coloured=True).startswith("\x1b[1mA\x1b[0m\n")
    assert "\x1b" not in table(["A"], [["x"]])
