"""What findings and refusals say, in the language of a page.

Whoever makes a finding writes it in English. Other languages have their own texts of each code, in
``web/catalogues/findings.*.toml``: several forms, of which the first counts that fits the evidence.
It is the same with what is refused, whose texts are in ``refusals.*.toml``.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from shlex import quote
from string import Formatter
from typing import Any

from markupsafe import Markup

from pyasynq.inspector import Finding
from pyasynq.shown import shown
from pyasynq.web.pages.catalogue import Language, Texts
from pyasynq.web.pages.figures import Figures, advice, name
from pyasynq.web.refusal import Refusal

MOST_NAMES = 10  # of a list in a sentence
LONGEST_TEXT = 300
SIZES = ("used_memory", "maxmemory")
STATES = ("state", "listed", "allowed")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a finding says.

    Attributes:
        sentence: what was found.
        advice: what to do about it, with its commands as code; empty for nothing.
        language: the tag of the language of both.
    """

    sentence: str
    advice: str
    language: str


@cache
def forms(language: Language, kind: str = "findings") -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return the forms of each code; English needs none.

    Args:
        language: of the texts.
        kind: of what: "findings" or "refusals".
    """
    path = files("pyasynq.web").joinpath("catalogues", f"{kind}.{language}.toml")
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


def said(texts: Texts, figures: Figures, about: Mapping[str, str], finding: Finding, /) -> Said:
    """Return what a finding says; in English if no form fits.

    Args:
        texts: of the language of the page.
        figures: write numbers and times.
        about: the queue and the task of the page; the evidence counts more.
        finding: the finding.
    """
    known = {**about, **evidence_of(finding)}
    for form in forms(texts.language).get(finding.code, ()):
        hint = form.get("advice", "") if finding.advice else ""
        if _fits(form, known) and bool(hint) == bool(finding.advice):
            write = _Writing(texts, figures, known)
            if write.knows(form["sentence"]) and write.knows(hint):
                return Said(
                    sentence=write.text(form["sentence"]),
                    advice=write.text(hint),
                    language=texts("language.tag"),
                )
    return Said(sentence=name(finding.sentence, 2000), advice=advice(finding.advice), language="en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something is refused.

    Attributes:
        text: the reason.
        language: the tag of its language.
        details: what comes after it in English; empty for nothing.
    """

    text: str
    language: str
    details: str = ""


def reason(texts: Texts, figures: Figures, refusal: Refusal, /) -> Reason:
    """Return why something is refused; in English if no form fits."""
    write = _Writing(texts, figures, refusal.values)
    for form in forms(texts.language, "refusals").get(refusal.key, ()):
        if _fits(form, refusal.values) and write.knows(form["sentence"]):
            return Reason(
                text=write.text(form["sentence"]),
                language=texts("language.tag"),
                details=name(refusal.text, 2000) if form.get("keeps") else "",
            )
    return Reason(text=name(refusal.text, 2000), language="en")


def evidence_of(finding: Finding) -> Mapping[str, Any]:
    """Return the evidence, its severity, and what follows from lists in it."""
    found: dict[str, Any] = {"severity": finding.severity, **finding.evidence}
    for key, value in finding.evidence.items():
        if isinstance(value, list | tuple):
            found[f"{key}_count"] = len(value)
    longest = finding.evidence.get("longest_running")
    if isinstance(longest, list) and longest:
        found |= {f"longest_{key}": value for key, value in longest[0].items()}
    # The name of a queue may be empty, and that is what is wrong with it.
    found["queue_or_empty"] = str(finding.evidence.get("queue", "")) or "''"
    return found


def _fits(form: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    when: Mapping[str, Any] = form.get("when", {})
    return all(_plain(known.get(key)) == value for key, value in when.items())


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


class _Writing:
    """Puts what is known into texts."""

    def __init__(self, texts: Texts, figures: Figures, known: Mapping[str, Any]) -> None:
        self._texts = texts
        self._figures = figures
        self._known = {key: each for key, each in known.items() if not _is_nothing(each)}

    def knows(self, form: str) -> bool:
        """Return whether all is known that a form needs."""
        return self._has(_OPTIONAL.sub("", form))

    def text(self, form: str) -> str:
        """Return a form with what is known in it; what stands between backticks is code."""
        whole = _OPTIONAL.sub(lambda part: part[1] if self._has(part[1]) else "", form)
        return Markup("").join(self._parts(whole))

    def _has(self, form: str) -> bool:
        return _names(form) <= self._known.keys()

    def _parts(self, form: str) -> Iterator[str]:
        for at, part in enumerate(form.split("`")):
            write = self._word if at % 2 else self._value
            values = {key: write(key, self._known[key]) for key in _names(part)}
            text = Markup(part).format_map(values)  # noqa: S704 - a text of ours
            yield Markup("<code>{}</code>").format(text) if at % 2 else text

    def _word(self, _key: str, value: Any) -> str:
        """Return a value as a word of a shell."""
        return quote(shown(str(value)))

    def _value(self, key: str, value: Any) -> str:
        if key in SIZES and isinstance(value, int):
            return self._figures.size(value)
        if key in STATES:
            return self._state(value)
        return self._plain(value)

    def _state(self, value: Any) -> str:
        if isinstance(value, list | tuple):
            return ", ".join(map(self._state, value))
        key = f"states.{value}"
        return self._texts(key) if self._texts.has(key) else self._plain(value)

    def _plain(self, value: Any) -> str:
        kinds: Sequence[tuple[Any, Callable[[Any], str]]] = (
            (datetime, self._figures.moment),
            (timedelta, self._figures.span),
            (bool, lambda each: self._texts("findings.yes" if each else "findings.no")),
            (int | float, self._figures.number),
            (Mapping, lambda each: self._listed([f"{k} ({self._plain(each[k])})" for k in each])),
            (list | tuple, self._listed),
        )
        writing = (write for kind, write in kinds if isinstance(value, kind))
        return next(writing, _line)(value)

    def _listed(self, values: Sequence[Any]) -> str:
        some = [self._plain(each) for each in values[:MOST_NAMES]]
        if len(values) > MOST_NAMES:
            some.append(self._texts("findings.more", count=len(values) - MOST_NAMES))
        return Markup(", ").join(some)


def _names(form: str) -> set[str]:
    return {each for _, each, _, _ in Formatter().parse(form) if each}


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple | Mapping) and not value)


def _line(text: Any) -> str:
    """Return the first line of a text of whomever."""
    first, *_ = str(text).strip().split("\n", 1)
    return name(first, LONGEST_TEXT)
