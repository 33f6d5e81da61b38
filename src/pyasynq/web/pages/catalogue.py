"""The texts of the pages, in each language: files in ``web/catalogues``, one for each.

A text has a key, such as ``queues.title``. Where a number decides its form, ``one`` and ``other``
stand below the key, and the value ``count`` tells which.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES: Mapping[Language, str] = {"en": "English", "zh": "中文"}

_WISH = re.compile(
    r"\s*([a-z]{1,8})(?:-[a-z0-9-]*)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?", re.IGNORECASE
)


class Texts:
    """The texts of one language.

    Attributes:
        language: which one.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self._texts = catalogue(language)

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a text with *values* in it; whole numbers get commas.

        Raises:
            KeyError: there is no such text, or it needs another value.
        """
        form = self._texts.get(key)
        if form is None:
            number = "one" if values.get("count") == 1 else "other"
            form = self._texts.get(f"{key}.{number}") or self._texts[f"{key}.other"]
        return form.format_map({name: _written(value) for name, value in values.items()})

    def has(self, key: str) -> bool:
        """Return whether there is a text with this key."""
        return key in self._texts


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Return all texts of a language by their keys."""
    data = files("pyasynq.web").joinpath("catalogues", f"{language}.toml").read_bytes()
    return dict(_flat(tomllib.loads(data.decode()), ""))


@cache
def texts_of(language: Language) -> Texts:
    """Return the texts of a language."""
    return Texts(language)


def wanted_language(accept_language: str) -> Language:
    """Return the language that a browser wants most; English if it wants none that there is."""
    best: tuple[float, Language] = (0.0, "en")
    for part in accept_language[:1000].split(","):
        wish = _WISH.fullmatch(part)
        name = wish[1].lower() if wish else ""
        weight = float(wish[2] or 1) if wish else 0.0
        for language in LANGUAGES:
            if language == name and weight > best[0]:
                best = (weight, language)
    return best[1]


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _written(value: object) -> object:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if is_number else value
