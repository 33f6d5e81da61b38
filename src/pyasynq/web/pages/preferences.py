"""What a visitor prefers; their browser keeps it in cookies. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from pyasynq.web.pages.catalogue import LANGUAGES, Language, wanted_language

T = TypeVar("T", bound=str)

Theme = Literal["system", "light", "dark"]
Clock = Literal["utc", "local"]
THEMES: tuple[Theme, ...] = get_args(Theme)
CLOCKS: tuple[Clock, ...] = get_args(Clock)
ROWS = (20, 50, 100, 200)

COOKIES = {each: f"pyasynq_{each}" for each in ("language", "theme", "clock", "rows")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a visitor prefers.

    Attributes:
        language: of all texts.
        theme: light, dark, or as their system is.
        clock: whether times are those of UTC or of their own clock, which needs a script.
        rows: how many rows a page of a table has.
    """

    language: Language = "en"
    theme: Theme = "system"
    clock: Clock = "utc"
    rows: int = 50


def preferences_of(cookies: Mapping[str, str], accept_language: str) -> Preferences:
    """Return what a visitor prefers; what their browser sends is taken only if it makes sense."""
    language = wanted_language(accept_language)
    rows = cookies.get(COOKIES["rows"], "")
    return Preferences(
        language=_one_of(LANGUAGES, cookies.get(COOKIES["language"]), language),
        theme=_one_of(THEMES, cookies.get(COOKIES["theme"]), "system"),
        clock=_one_of(CLOCKS, cookies.get(COOKIES["clock"]), "utc"),
        rows=next((each for each in ROWS if str(each) == rows), 50),
    )


def choices() -> Mapping[str, tuple[str, ...]]:
    """Return what may be chosen of each preference, as forms send it."""
    return {
        "language": LANGUAGES,
        "theme": THEMES,
        "clock": CLOCKS,
        "rows": tuple(map(str, ROWS)),
    }


def _one_of(known: tuple[T, ...], given: str | None, default: T) -> T:
    return next((each for each in known if each == given), default)
