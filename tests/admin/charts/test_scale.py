"""Which values stand at the lines of a chart, and how they are written there."""

import pytest

from pyasynq.admin.charts.scale import in_short, scale_for, short


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0, (0, 1)),
        (1, (0, 1)),
        (3, (0, 1, 2, 3)),
        (5, (0, 2, 4, 6)),
        (7, (0, 2, 4, 6, 8)),
        (10, (0, 3, 6, 9, 12)),
        (100, (0, 25, 50, 75, 100)),
        (3_720, (0, 1_000, 2_000, 3_000, 4_000)),
        (1_000_000, (0, 250_000, 500_000, 750_000, 1_000_000)),
    ],
)
def test_lines_stand_at_round_numbers_of_tasks(highest, ticks):
    assert scale_for(highest).ticks == ticks


def test_lines_of_measures_may_stand_between_whole_numbers():
    assert scale_for(0.8, is_whole=False).ticks == pytest.approx((0, 0.2, 0.4, 0.6, 0.8))


@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize("power", range(-6, 16))
def test_every_value_is_below_the_last_line_and_not_far_below(power, is_whole):
    for mantissa in range(100, 1000):
        highest = mantissa * 10.0 ** (power - 2)
        scale = scale_for(highest, is_whole=is_whole)

        assert 0 <= scale.share(highest) <= 1 + 1e-9
        assert 2 <= len(scale.ticks) <= 5
        assert scale.share(highest) > 0.4 or (is_whole and highest < 4)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (0.25, "0.25"),
        (12.5, "12.5"),
        (999, "999"),
        (1000, "1k"),
        (1234, "1.23k"),
        (999_999, "1M"),
        (12_345_678, "12.3M"),
        (3e9, "3G"),
        (4.5e12, "4.5T"),
    ],
)
def test_values_are_written_in_three_digits(value, text):
    assert short(value) == text


def test_where_everything_is_zero_the_highest_line_is_at_one():
    assert scale_for(0.0, is_whole=False).top == 1.0
    assert scale_for(0, is_whole=True).top == 1.0
    assert scale_for(1e-6, is_whole=False).top == pytest.approx(1e-6)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(25_000, "B", "25 kB"), (12, "ms", "12 ms"), (1.5e9, "B", "1.5 GB"), (1200, "/s", "1.2 k/s")],
)
def test_the_prefix_of_a_large_value_stands_before_its_unit(value, unit, text):
    assert in_short(value, unit) == text
