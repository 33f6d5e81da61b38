"""Whether a task matches a filter. What costs little is compared first, and decides mostly."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import msgspec

from pyasynq.admin.filters.documents import MISSING, document, value_at
from pyasynq.admin.filters.fields import FIELDS, Kind
from pyasynq.admin.filters.seen_task import SeenTask, View, view_of
from pyasynq.admin.filters.tree import AllOf, AnyOf, Filter, Not, Term, Text
from pyasynq.admin.redaction import Redactor
from pyasynq.admin.signatures import fingerprint
from pyasynq.clock import MICROSECOND, to_ns
from pyasynq.inspector.found_task import FoundTask

Matcher = Callable[[FoundTask], bool]
_Leaf = Callable[[FoundTask | SeenTask], bool]

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    ":": eq,
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}
# What a field costs: first what is known without the message, then what is in it, then JSON.
COST_OF_MESSAGE, COST_OF_TEXT, COST_OF_JSON = 2, 3, 4
# What is compared as it may be shown; the size would tell how long something hidden is.
CONTENTS = frozenset({"payload", "result", "headers", "error", "fingerprint", "size"})
COSTS: Mapping[str, int] = {
    **dict.fromkeys(("queue", "state", "id", "next", "age", "since", "orphaned"), 0),
    "type": 1,
    **dict.fromkeys(("payload", "result", "error"), COST_OF_TEXT),
    "fingerprint": COST_OF_JSON,
}


def matcher(query: Filter, now_ns: int, redact: Redactor | None = None) -> Matcher:
    """Return a function that tells whether a task matches.

    Args:
        query: the filter.
        now_ns: the time to which lengths of time refer, in nanoseconds since the epoch.
        redact: hides what must not be found either: payloads, results, headers and errors are
            compared as they may be shown, but only of tasks that cheaper parts have not ruled out.
    """
    return _matcher(query, now_ns, None if redact is None else view_of(redact))


def _matcher(query: Filter, now_ns: int, view: View | None) -> Matcher:
    match query:
        case AllOf(parts):
            return _all([_matcher(each, now_ns, view) for each in sorted(parts, key=_cost)])
        case AnyOf(parts):
            return _any([_matcher(each, now_ns, view) for each in sorted(parts, key=_cost)])
        case Not(part):
            matches = _matcher(part, now_ns, view)
            return lambda task: not matches(task)
        case Text() | Term():
            return _leaf(query, now_ns, view)


def _leaf(query: Text | Term, now_ns: int, view: View | None) -> Matcher:
    if isinstance(query, Text):
        leaf = _anywhere(query.text)
    elif query.field == "fingerprint":
        leaf = _by_fingerprint(query)
    else:
        leaf = _term(query, now_ns)
    is_content = isinstance(query, Text) or query.field in CONTENTS
    return leaf if view is None or not is_content else lambda task: leaf(view(task))


def pattern(texts: Sequence[str]) -> re.Pattern[str]:
    """Return what matches any of *texts*, in which * is any text and ? any character."""
    wild = {"*": ".*", "?": "."}
    each = ("".join(wild.get(char) or re.escape(char) for char in text) for text in texts)
    return re.compile("|".join(each), re.DOTALL)


def _cost(query: Filter) -> int:
    match query:
        case AllOf(parts) | AnyOf(parts):
            return max(map(_cost, parts), default=0)
        case Not(part):
            return _cost(part)
        case Term(path=path) if path:
            return COST_OF_JSON
        case Term(field=field):
            return COSTS.get(field, COST_OF_MESSAGE)
    return COST_OF_TEXT


def _all(parts: Sequence[Matcher]) -> Matcher:
    if len(parts) == 2:  # noqa: PLR2004 - the usual number: a call less for every task
        one, other = parts
        return lambda task: one(task) and other(task)
    return lambda task: all(each(task) for each in parts)


def _any(parts: Sequence[Matcher]) -> Matcher:
    return lambda task: any(each(task) for each in parts)


def _anywhere(text: str) -> _Leaf:
    wanted, data = text.lower(), _lower_bytes(text)

    def matches(task: FoundTask | SeenTask) -> bool:
        return (
            wanted in task.id.lower()
            or wanted in task.type.lower()
            or wanted in task.last_error.lower()
            or data in task.payload.lower()
        )

    return matches


def _term(term: Term, now_ns: int) -> _Leaf:
    field = FIELDS[term.field]
    if term.path:
        return _in_document(term)
    if term.operator == "~":
        return _contains(field.attribute, term.value)
    if isinstance(term.value, tuple):
        return _one_of(field.attribute, term.operator, term.value)
    if field.kind is Kind.SIZE:
        compare, size = COMPARISONS[term.operator], term.value
        return lambda task: compare(len(task.payload), size)
    if isinstance(term.value, timedelta | datetime):
        return _at_a_time(field.attribute, field.kind, term, now_ns)
    attribute, compare, value = field.attribute, COMPARISONS[term.operator], term.value
    return lambda task: compare(getattr(task, attribute), value)


def _by_fingerprint(term: Term) -> _Leaf:
    """Return what compares the fingerprint of an error; the same errors come again and again."""
    values = term.value if isinstance(term.value, tuple) else ()
    fits = pattern(values).fullmatch
    tests: Mapping[str, Callable[[str], bool]] = {
        ":": lambda text: fits(text) is not None,
        "=": lambda text: text in values,
        "!=": lambda text: text not in values,
        "~": lambda text: values[0].lower() in text,
    }
    is_right = tests[term.operator]
    known = lru_cache(maxsize=1024)(lambda error: is_right(fingerprint(error)))
    return lambda task: known(task.last_error)


def _contains(attribute: str, value: Any) -> _Leaf:
    wanted = value[0] if isinstance(value, tuple) else value
    if attribute in ("payload", "result"):
        data = _lower_bytes(wanted)
        return lambda task: data in getattr(task, attribute).lower()
    text = wanted.lower()
    return lambda task: text in getattr(task, attribute).lower()


def _one_of(attribute: str, operator: str, values: tuple[str, ...]) -> _Leaf:
    is_wild = operator == ":" and any(char in each for each in values for char in "*?")
    if not is_wild:
        wanted, is_in = frozenset(values), operator != "!="
        return lambda task: (getattr(task, attribute) in wanted) is is_in
    fits = pattern(values).fullmatch
    if attribute not in ("type", "queue", "group"):
        return lambda task: fits(getattr(task, attribute)) is not None
    known = lru_cache(maxsize=1024)(lambda text: fits(text) is not None)  # there are few of these
    return lambda task: known(getattr(task, attribute))


def _at_a_time(attribute: str, kind: Kind, term: Term, now_ns: int) -> _Leaf:
    compare = COMPARISONS[term.operator]
    if isinstance(term.value, datetime):
        moment_ns = to_ns(term.value)
        return _where_known(attribute, lambda time_ns: compare(time_ns, moment_ns))
    span_ns = term.value // MICROSECOND * 1000 if isinstance(term.value, timedelta) else 0
    if kind is Kind.FUTURE:
        return _where_known(attribute, lambda time_ns: compare(time_ns - now_ns, span_ns))
    return _where_known(attribute, lambda time_ns: compare(now_ns - time_ns, span_ns))


def _where_known(attribute: str, is_right: Callable[[int], bool]) -> _Leaf:
    """Return what compares a time; a time that is not known never matches."""

    def matches(task: FoundTask | SeenTask) -> bool:
        time_ns = getattr(task, attribute)
        return time_ns is not None and is_right(time_ns)

    return matches


def _in_document(term: Term) -> _Leaf:
    """Return what compares a value of a JSON document; what is not there equals nothing."""
    is_right = _comparison(term.operator, term.value)
    attribute, path = FIELDS[term.field].attribute, term.path
    if term.field == "headers":
        name = str(path[0])
        return lambda task: is_right(task.headers.get(name, MISSING))
    keys = [each.encode("utf-8", "surrogatepass") for each in path if isinstance(each, str)]
    is_absent_right = is_right(MISSING)

    def matches(task: FoundTask | SeenTask) -> bool:
        data: bytes = getattr(task, attribute)
        if any(key not in data for key in keys) and b"\\" not in data:
            return is_absent_right  # without decoding it
        return is_right(value_at(document(data), path))

    return matches


def _comparison(operator: str, wanted: Any) -> Callable[[Any], bool]:
    """Return what compares a value of JSON with *wanted*."""
    if operator == "!=":
        return lambda found: not _is_equal(found, wanted)
    if operator == "~":
        text = str(wanted).lower()
        return lambda found: found is not MISSING and text in _as_text(found).lower()
    if operator == ":" and isinstance(wanted, str):
        fits = pattern([wanted]).fullmatch
        return lambda found: found is not MISSING and fits(_as_text(found)) is not None
    if operator in (":", "="):
        return lambda found: _is_equal(found, wanted)
    compare = COMPARISONS[operator]
    return lambda found: _is_comparable(found, wanted) and compare(found, wanted)


def _is_equal(found: object, wanted: object) -> bool:
    """Return whether two values of JSON are equal: 1 is 1.0, but not true."""
    return isinstance(found, bool) is isinstance(wanted, bool) and found == wanted


def _is_comparable(found: object, wanted: object) -> bool:
    for kind in (str, int | float):
        if isinstance(wanted, kind) and not isinstance(wanted, bool):
            return isinstance(found, kind) and not isinstance(found, bool)
    return False


def _as_text(found: object) -> str:
    """Return a value of JSON as text, as JSON writes it if it is none."""
    return found if isinstance(found, str) else msgspec.json.encode(found).decode()


def _lower_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape").lower()
