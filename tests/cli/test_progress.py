"""A bar tells how much is done."""

import io
import sys

import pytest

from pyasynq.cli.progress import bar, progress_bar


@pytest.mark.parametrize(
    ("done", "total", "shown"),
    [
        (0, 2000, "[--------------------] 0 of 2,000 (0%)"),
        (500, 2000, "[#####---------------] 500 of 2,000 (25%)"),
        (1, 1, "[####################] 1 of 1 (100%)"),
        (0, 0, "[--------------------] 0 of 0 (0%)"),
        (5, 4, "[####################] 5 of 4 (100%)"),
    ],
)
def test_a_bar_shows_the_share_and_the_numbers(done, total, shown):
    assert bar(done, total) == shown


def test_nothing_is_shown_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    assert progress_bar() is None
