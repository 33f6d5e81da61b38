"""Numbers and times for people, in the language of the page."""

from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

from pyasynq.shown import UNITS, shown
from pyasynq.web.pages.catalogue import Texts

NOTHING = "\N{EN DASH}"
EARLIEST = datetime.min.replace(tzinfo=UTC)
"""Stands for a time that is not known, where times are sorted."""
_KILO = 1024
_SIZES = ("B", "kB", "MB", "GB", "TB")
_BRIEF = timedelta(seconds=1)


class Figures:
    """Writes numbers and times.

    Args:
        texts: of the language.
        now: to which times are compared.
    """

    def __init__(self, texts: Texts, now: datetime) -> None:
        self._texts = texts
        self.now = now

    def words(self, key: str) -> str:
        """Return a text of the catalogue that stands in place of a figure."""
        return self._texts(key)

    def number(self, value: float | None) -> str:
        """Return a number with commas; a dash for None."""
        if value is None:
            return NOTHING
        return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"

    def size(self, count: int | None) -> str:
        """Return a number of bytes with its unit; a dash for None."""
        if count is None:
            return NOTHING
        value, at = float(count), 0
        while value >= _KILO and at < len(_SIZES) - 1:
            value, at = value / _KILO, at + 1
        return f"{value:.0f} {_SIZES[at]}" if at == 0 else f"{value:,.1f} {_SIZES[at]}"

    def share(self, part: int, whole: int) -> str:
        """Return a share in per cent; a dash of nothing."""
        return f"{part / whole:.1%}" if whole else NOTHING

    def span(self, length: timedelta | None) -> str:
        """Return a length of time in its two largest units; a dash for None."""
        if length is None:
            return NOTHING
        if timedelta() < length < _BRIEF:
            return f"{length / timedelta(milliseconds=1):.0f} {self._texts('units.ms')}"
        left, parts = max(0, int(length.total_seconds())), list[str]()
        for name, size in UNITS:
            count, left = divmod(left, size)
            if count or (name == "s" and not parts):
                parts.append(f"{count}{self._texts(f'units.{name}')}")
            elif parts:
                break
        return " ".join(parts[:2])

    def moment(self, time: datetime | None) -> str:
        """Return how far away a time is, with the time itself as its title; a dash for None."""
        if time is None:
            return NOTHING
        distance = time - self.now
        if abs(distance) < _BRIEF:
            words = self._texts("time.now")
        else:
            key = "time.in" if distance > timedelta() else "time.ago"
            words = self._texts(key, span=self.span(abs(distance)))
        return _tag(time, words, "relative", title=_absolute(time))

    def date(self, time: datetime | None) -> str:
        """Return a time in whole seconds; a dash for None."""
        return NOTHING if time is None else _tag(time, _absolute(time), "absolute")


def name(text: str, longest: int = 200) -> str:
    """Return a name of whomever so that it can be shown: printable, and cut if it is long."""
    return shown(text, longest)


def advice(text: str, longest: int = 2000) -> Markup:
    """Return advice of the inspector, with what stands between backticks as code."""
    parts = name(text, longest).split("`")
    if len(parts) % 2 == 0:  # a name in it has a backtick of its own
        return escape("`".join(parts))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts)
    )


def _absolute(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _tag(time: datetime, words: str, kind: str, title: str = "") -> str:
    iso = f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    form = '<time class="{}" datetime="{}" title="{}">{}</time>'
    plain = '<time class="{}" datetime="{}">{}</time>'
    if title:
        return Markup(form).format(kind, iso, title, words)  # noqa: S704 - a constant
    return Markup(plain).format(kind, iso, words)  # noqa: S704 - a constant
