"""Which values stand at the lines of a chart, and how values are written there."""

import math
from dataclasses import dataclass

STEPS = (1, 2, 2.5, 5, 10)
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Scale:
    """From 0 to the value of the highest line.

    Attributes:
        ticks: the values at the lines, ascending; the first is 0.
    """

    ticks: tuple[float, ...]

    @property
    def top(self) -> float:
        """The value of the highest line, more than 0."""
        return self.ticks[-1]

    def share(self, value: float) -> float:
        """Return where a value stands, from 0 to 1."""
        return value / self.top


def scale_for(highest: float, *, lines: int = 4, is_whole: bool = True) -> Scale:
    """Return a scale whose lines stand at round values, the last at *highest* or above.

    Args:
        highest: the largest value that is shown, at least 0.
        lines: at most so many above 0.
        is_whole: whether values between whole numbers make no sense, as for numbers of tasks.
    """
    if not highest:
        return Scale((0.0, 1.0))
    step = _round_step(max(highest, 1.0 if is_whole else 1e-9) / lines)
    if is_whole:
        step = float(math.ceil(step))
    count = max(1, math.ceil(highest / step - 1e-9))
    return Scale(tuple(step * number for number in range(count + 1)))


def short(value: float) -> str:
    """Return a value in at most three digits or so: "0", "12", "1.2k", "3.4M"."""
    for size, prefix in PREFIXES:
        if value >= size * (1 - 5e-4):
            return f"{_three_digits(value / size)}{prefix}"
    return _three_digits(value)


def in_short(value: float, unit: str) -> str:
    """Return a value with its unit: "25 kB", "1.2 k/s"."""
    number = short(value)
    digits = number.rstrip("".join(prefix for _size, prefix in PREFIXES))
    return f"{digits} {number[len(digits) :]}{unit}"


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in STEPS if step * power >= least * (1 - 1e-9))


def _three_digits(value: float) -> str:
    if value == int(value) or value >= 99.95:  # noqa: PLR2004 - becomes 100
        return f"{value:.0f}"
    return f"{value:.3g}"
