"""Texts of others, as people see them."""

import pytest

from pyasynq.shown import listed, shown


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("mail", "mail"),
        ("café ☕", "café ☕"),
        ("", ""),
        (b"ol\xe9".decode("utf-8", "surrogateescape"), "ol\\xe9"),
        ("two\nlines\t\x1b[2J", "two\\nlines\\t\\x1b[2J"),
        ("x" * 100, "x" * 100),
        ("x" * 100_000, "x" * 100 + "… (99900 more characters)"),
    ],
)
def test_a_text_becomes_one_printable_line_that_is_not_long(text, line):
    assert shown(text) == line


def test_names_are_listed_up_to_a_few():
    assert listed(["a"]) == "'a'"
    assert listed(["a", "b\n"]) == "'a', 'b\\\\n'"
    assert listed({"a": 1, "b": 2, "c": 3}, most=2) == "'a', 'b' and 1 more"
    assert listed([str(each) for each in range(12)]).endswith("'9' and 2 more")
