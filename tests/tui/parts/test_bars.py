"""Bars share their width among counts."""

import pytest

from pyasynq.tui.parts.bars import shares, stacked_bar


@pytest.mark.parametrize(
    ("counts", "width", "expected"),
    [
        ([0, 0], 10, [0, 0]),
        ([1, 1], 10, [5, 5]),
        ([1, 999], 10, [1, 9]),
        ([1, 1, 1], 10, [4, 3, 3]),
        ([3, 140, 15, 0, 9, 28], 20, [1, 15, 1, 0, 1, 2]),
        ([1, 1, 1], 2, [1, 1, 0]),
        ([5], 0, [0]),
    ],
)
def test_what_is_not_zero_gets_at_least_one_character(counts, width, expected):
    found = shares(counts, width)

    assert sum(found) == (width if sum(counts) else 0)
    assert found == expected


def test_a_bar_of_nothing_is_thin():
    assert stacked_bar([0, 0], ["red", "blue"], 4, "grey").plain == "────"
