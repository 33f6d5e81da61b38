"""What an expression of PromQL names: metrics with their labels, and the labels it groups by.

It reads what our rules and panels are written in, and refuses what it does not know: so a function
that is misspelt is found, too.
"""

import re
from dataclasses import dataclass

AGGREGATIONS = {"sum", "max", "min", "count"}
FUNCTIONS = {
    *("absent", "delta", "deriv", "histogram_quantile", "increase", "last_over_time", "rate"),
    *("time", "vector"),
}
OPERATORS = {"and", "or", "unless"}
LABEL_LISTS = {"by", "on", "group_left"}

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"[^"\n]*") | (?P<name>[a-zA-Z_:][\w:]*) | (?P<number>[\d.]+)
        | (?P<range>\[(?:\d+[smhd]|\$__rate_interval)\](?:\s*offset\s+\d+[smhd])?)
        | (?P<sign>=~|!~|!=|==|>=|<=|[-+*/<>=(){},])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Selector:
    """A metric, and what its labels are compared with, by their names."""

    metric: str
    matchers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grouping:
    """The labels that an aggregation keeps, and the metrics of which it makes them."""

    labels: tuple[str, ...]
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Expression:
    """What an expression names.

    Attributes:
        joined: labels of `on` and `group_left`.
        kept: the labels of the result, if an aggregation makes it; else None.
    """

    selectors: tuple[Selector, ...]
    groupings: tuple[Grouping, ...]
    joined: frozenset[str]
    kept: tuple[str, ...] | None


def read(text: str) -> Expression:
    """Return what *text* names; a ValueError says what is wrong about it."""
    tokens = _tokens(text)
    ends = _ends_of_brackets(tokens)
    selectors: dict[int, Selector] = {}
    groups: list[tuple[int, int, tuple[str, ...]]] = []
    joined: set[str] = set()
    at = 0
    while at < len(tokens):
        word = tokens[at]
        following = tokens[at + 1] if at + 1 < len(tokens) else ""
        if not re.match(r"[a-zA-Z_:]", word) or word in OPERATORS or word in FUNCTIONS:
            at += 1
        elif word in LABEL_LISTS:
            joined |= set(_names(tokens[at + 2 : ends[at + 1]]))
            at = ends[at + 1] + 1
        elif word in AGGREGATIONS:
            labels: tuple[str, ...] = ()
            first = at
            if following == "by":
                labels, at = _names(tokens[at + 3 : ends[at + 2]]), ends[at + 2]
            groups.append((first, ends[at + 1], labels))
            at += 1
        elif following == "(":
            raise ValueError(f"{word!r} is no function that is known here")
        elif following == "{":
            selectors[at] = Selector(word, _matchers(tokens[at + 2 : ends[at + 1]]))
            at = ends[at + 1] + 1
        else:
            selectors[at] = Selector(word, ())
            at += 1
    groupings = tuple(
        Grouping(labels, tuple(s.metric for place, s in selectors.items() if begin < place < end))
        for begin, end, labels in groups
    )
    first_selector = min(selectors, default=0)
    is_grouped = bool(groups) and groups[0][0] < first_selector
    return Expression(
        selectors=tuple(selectors.values()),
        groupings=groupings,
        joined=frozenset(joined),
        kept=tuple(x for x in groups[0][2] if x != "le") if is_grouped else None,
    )


def _tokens(text: str) -> list[str]:
    found, at, text = [], 0, text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"cannot read {text[at:]!r}")
        found.append(match[0].strip())
        at = match.end()
    return found


def _ends_of_brackets(tokens: list[str]) -> dict[int, int]:
    """Return where each bracket closes, by where it opens."""
    ends, opened = {}, []
    for at, token in enumerate(tokens):
        if token in ("(", "{"):
            opened.append(at)
        elif token in ("}", ")"):
            if not opened or tokens[opened[-1]] + token not in ("()", "{}"):
                raise ValueError(f"{token!r} closes nothing")
            ends[opened.pop()] = at
    if opened:
        raise ValueError(f"{tokens[opened[-1]]!r} is not closed")
    return ends


def _names(tokens: list[str]) -> tuple[str, ...]:
    return tuple(each for each in tokens if each != ",")


def _matchers(tokens: list[str]) -> tuple[tuple[str, str], ...]:
    parts = [each for each in tokens if each != ","]
    if len(parts) % 3 or not all(each in ("=", "!=", "=~", "!~") for each in parts[1::3]):
        raise ValueError(f"cannot read the matchers {' '.join(tokens)}")
    return tuple(zip(parts[::3], (each.strip('"') for each in parts[2::3]), strict=True))
