"""The text form of Go durations, such as ``1h0m1.5s`` (package time of Go)."""

import re

from pyasynq.errors import PayloadError

_UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, micro sign
    "μs": 1_000,  # U+03BC, Greek mu; Go reads both
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_MAX_INT64 = 2**63 - 1


def format_duration(duration_ns: int) -> str:
    """Return what Go's `Duration.String` returns."""
    if duration_ns == 0:
        return "0s"
    sign, rest_ns = ("-", -duration_ns) if duration_ns < 0 else ("", duration_ns)
    if rest_ns < _UNITS_NS["s"]:
        for unit in ("ms", "µs", "ns"):
            if rest_ns >= _UNITS_NS[unit]:
                return f"{sign}{_decimal(rest_ns, _UNITS_NS[unit])}{unit}"
    minutes, seconds_ns = divmod(rest_ns, _UNITS_NS["m"])
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(seconds_ns, _UNITS_NS['s'])}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else sign + text


def parse_duration(text: str) -> int:
    """Return the nanoseconds that Go's `ParseDuration` reads in *text*.

    Raises:
        PayloadError: the text is not a duration for Go either.
    """
    sign = -1 if text[:1] == "-" else 1
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    total_ns = position = 0
    while position < len(rest) or not rest:
        part = _PART.match(rest, position)
        if part is None or not (part[1] or part[2]):
            raise PayloadError(f"{text!r} is not a duration; write it like 1h30m, 1.5s or 200ms")
        total_ns += _part_ns(part[1], part[2] or "", _UNITS_NS[part[3]])
        position = part.end()
    if total_ns > _MAX_INT64 + (sign < 0):
        raise PayloadError(f"{text!r} is not a duration that fits into 64 bits of nanoseconds")
    return sign * total_ns


def _part_ns(whole: str, fraction: str, unit_ns: int) -> int:
    """Return the value of one number with its unit; Go cuts fractions of a nanosecond.

    Go reads as many digits of a fraction as fit 63 bits, then scales in floating point.
    """
    if len(whole.lstrip("0")) > 19:  # noqa: PLR2004 - digits of 2⁶³
        return _MAX_INT64 + 2
    digits = fraction.lstrip("0")[:19]
    if digits and int(digits) > _MAX_INT64:
        digits = digits[:-1]
    kept = len(fraction) - len(fraction.lstrip("0")) + len(digits)
    is_seen = digits and kept <= 300  # noqa: PLR2004 - beyond, a float of Go is infinite as well
    rest = int(float(int(digits)) * (float(unit_ns) / float(10**kept))) if is_seen else 0
    return int(whole.lstrip("0") or "0") * unit_ns + rest


def _decimal(value: int, unit: int) -> str:
    """Return value/unit exactly, without zeros at the end."""
    whole, rest = divmod(value, unit)
    if not rest:
        return str(whole)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}"
