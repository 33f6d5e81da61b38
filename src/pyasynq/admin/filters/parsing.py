"""Reads the filter language.

    filter   = all { "or" all }
    all      = { ["and"] part }
    part     = ("!" | "not") part | "(" filter ")" | term | text
    term     = FIELD [path] OPERATOR value { "," value }        without spaces
    path     = { "." KEY | "[" NUMBER "]" }
    value    = characters but spaces and brackets, or a text in quotes

In quotes, a backslash before a quote or a backslash means just that.
"""

import re
from collections.abc import Callable, Mapping

from pyasynq.admin.filters.fields import (
    DOCUMENTS,
    FIELDS,
    OPERATORS,
    OTHER_NAMES,
    OTHER_STATES,
    SEPARABLE,
    Kind,
)
from pyasynq.admin.filters.tree import Filter, Not, Path, Term, Text, Value, all_of, any_of
from pyasynq.admin.filters.values import (
    read_flag,
    read_json,
    read_number,
    read_size,
    read_span,
    read_span_or_moment,
)
from pyasynq.errors import FilterError
from pyasynq.shown import shown
from pyasynq.spelling import nearest
from pyasynq.task import TaskState

LONGEST_QUERY = 10_000  # characters
DEEPEST = 50  # brackets and negations in each other
LARGEST_INDEX = 10**9

_SPACE = re.compile(r"\s*")
_KEYWORD = re.compile(r"(and|or|not)(?=[\s()]|$)", re.IGNORECASE)
_NAME = re.compile(r"[^\s()\"'.\[\]:=~<>!,]+")
_STEP = re.compile(r"\.(?P<key>[^\s()\"'.\[\]:=~<>!,]+)|\[(?P<index>-?\d+)\]", re.ASCII)
_OPERATOR = re.compile(r"!=|<=|>=|[:=~<>]")
_WORD = re.compile(r"[^\s()]+")
_ITEM = re.compile(r"[^\s(),]+")
_QUOTED = re.compile(
    r"""(?P<quote>["'])(?P<text>(?:\\["'\\]|\\(?!["'\\])|(?!(?P=quote))[^\\])*)(?P=quote)"""
)
_ESCAPED = re.compile(r"\\([\"'\\])")

_READERS: Mapping[Kind, Callable[[str], Value]] = {
    Kind.NUMBER: read_number,
    Kind.SIZE: read_size,
    Kind.FLAG: read_flag,
    Kind.SPAN: read_span,
    Kind.PAST: read_span_or_moment,
    Kind.FUTURE: read_span_or_moment,
    Kind.JSON: read_json,
}


def parse(query: str) -> Filter:
    """Return the filter that a text stands for; an empty text matches every task.

    Raises:
        FilterError: there is a mistake; the error says in which column, and what to write.
    """
    return _Parser(query).whole()


class _Parser:
    """Reads one query from left to right."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.at = 0
        self.depth = 0

    def whole(self) -> Filter:
        if len(self.query) > LONGEST_QUERY:
            raise self._fault(f"a filter has at most {LONGEST_QUERY} characters", "", at=0)
        self._skip_space()
        found = all_of(()) if self._is_over() else self._any_of()
        if not self._is_over():
            raise self._fault("')' closes nothing", "remove it, or put it in quotes")
        return found

    def _any_of(self) -> Filter:
        parts = [self._all_of()]
        while self._takes("or"):
            parts.append(self._all_of())
        return any_of(parts)

    def _all_of(self) -> Filter:
        parts = [self._part()]
        while True:
            if self._takes("and"):
                parts.append(self._part())
            elif self._is_over() or self.query[self.at] == ")" or self._is_next("or"):
                return all_of(parts)
            else:
                parts.append(self._part())

    def _part(self) -> Filter:
        if self._is_over() or self.query[self.at] == ")" or self._is_next("or", "and"):
            raise self._fault("a condition is missing here", "write one, such as state:archived")
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._fault(f"there are more than {DEEPEST} levels of brackets", "use fewer")
        found = self._nested()
        self.depth -= 1
        return found

    def _nested(self) -> Filter:
        start = self.at
        if self._takes("not"):
            return Not(self._part())
        if self.query[start] == "!":
            self._go(start + 1)
            return Not(self._part())
        if self.query[start] != "(":
            return self._single()
        self._go(start + 1)
        if self.query[self.at : self.at + 1] == ")":
            self._go(self.at + 1)
            return all_of(())
        found = self._any_of()
        if self._is_over():
            raise self._fault("'(' is not closed", "write ')' at the end", at=start)
        self._go(self.at + 1)
        return found

    def _single(self) -> Filter:
        """Return a term, or a text that is looked for everywhere."""
        start = self.at
        if self.query[start] in "\"'":
            found = Text(self._quoted())
            self._end_of_quotes()
            return found
        name = _NAME.match(self.query, start)
        path: Path = ()
        if name is not None:
            self.at = name.end()
            path = self._path(name[0])
            operator = _OPERATOR.match(self.query, self.at)
            if operator is not None:
                return self._term(start, name[0], path, operator[0])
        elif _OPERATOR.match(self.query, start):
            raise self._fault("a field is missing here", "write one before it, such as state:")
        word = _WORD.match(self.query, start)
        text = word[0] if word is not None else self.query[start]
        operator = _OPERATOR.search(text)
        if operator is not None:
            raise self._unknown(start, text[: operator.start()])
        self._go(start + len(text))
        return Text(text)

    def _term(self, start: int, name: str, path: Path, operator: str) -> Filter:
        field = FIELDS.get(name)
        if field is None or (path and name not in DOCUMENTS):
            raise self._unknown(start, self.query[start : self.at])
        kind = Kind.JSON if path else field.kind
        if name == "headers" and len(path) != 1:
            raise self._fault("headers need a name", "write headers.NAME=value", at=start)
        if operator not in OPERATORS[kind]:
            raise self._wrong_operator(name, kind, operator)
        self.at += len(operator)
        value = self._value(name, kind, operator)
        self._skip_space()
        return Term(name, operator, value, path)

    def _path(self, name: str) -> Path:
        """Read the path behind the name of a field."""
        steps: list[str | int] = []
        while True:
            step = _STEP.match(self.query, self.at)
            if step is not None:
                self.at = step.end()
                steps.append(step["key"] or self._index(step["index"]))
            elif self.query[self.at : self.at + 2] in ('."', ".'") and name in DOCUMENTS:
                self.at += 1
                steps.append(self._quoted())
            else:
                return tuple(steps)

    def _index(self, digits: str) -> int:
        if len(digits) > len(str(LARGEST_INDEX)):
            raise self._fault(f"the index {shown(digits)} is too large", "")
        return int(digits)

    def _value(self, name: str, kind: Kind, operator: str) -> Value:
        before = f"{name}{operator}"
        if kind in SEPARABLE and operator != "~":
            values = [self._item(before, kind)]
            while self.query[self.at : self.at + 1] == ",":
                self.at += 1
                values.append(self._item(before, kind))
            return tuple(values)
        start = self.at
        is_quoted, text = self._word(before, _WORD)
        is_text = kind in (Kind.NAME, Kind.CONTENT) or operator == "~"
        if is_text or (kind is Kind.JSON and is_quoted):
            return (text,) if kind is Kind.NAME else text
        try:
            return _READERS[kind](text)
        except ValueError as error:
            raise self._fault(str(error), "", at=start) from None

    def _item(self, before: str, kind: Kind) -> str:
        start = self.at
        text = self._word(before, _ITEM)[1]
        return self._state(text, start) if kind is Kind.STATE else text

    def _word(self, before: str, form: re.Pattern[str]) -> tuple[bool, str]:
        """Read a value; return whether it was in quotes, and its text."""
        if self.query[self.at : self.at + 1] in ('"', "'"):
            text = self._quoted()
            self._end_of_quotes(",")
            return True, text
        found = form.match(self.query, self.at)
        if found is None:
            is_space = self.query[self.at : self.at + 1].isspace()
            hint = f"remove the space after {before!r}" if is_space else 'write "" for no text'
            raise self._fault(f"a value is missing after {before!r}", hint)
        self.at = found.end()
        return False, found[0]

    def _quoted(self) -> str:
        found = _QUOTED.match(self.query, self.at)
        if found is None:
            quote = self.query[self.at]
            raise self._fault(f"the quote {quote} is not closed", f"write {quote} at its end")
        self.at = found.end()
        return _ESCAPED.sub(r"\1", found["text"])

    def _end_of_quotes(self, more: str = "") -> None:
        following = self.query[self.at : self.at + 1]
        if following and not following.isspace() and following not in f"(){more}":
            raise self._fault("there is more behind the closing quote", "put a space between them")
        if not more:
            self._skip_space()

    def _state(self, word: str, start: int) -> str:
        names = [each.value for each in TaskState]
        if word.lower() in names:
            return word.lower()
        near = OTHER_STATES.get(word.lower()) or nearest(word.lower(), names)
        hint = f"did you mean {near!r}?" if near else f"use one of {', '.join(names)}"
        raise self._fault(f"{shown(word)!r} is not a state", hint, at=start)

    def _takes(self, keyword: str) -> bool:
        if not self._is_next(keyword):
            return False
        self._go(self.at + len(keyword))
        return True

    def _is_next(self, *keywords: str) -> bool:
        found = _KEYWORD.match(self.query, self.at)
        return found is not None and found[0].lower() in keywords

    def _is_over(self) -> bool:
        return self.at >= len(self.query)

    def _go(self, at: int) -> None:
        self.at = at
        self._skip_space()

    def _skip_space(self) -> None:
        found = _SPACE.match(self.query, self.at)
        self.at = found.end() if found else self.at

    def _unknown(self, start: int, name: str) -> FilterError:
        known = list(FIELDS)
        meant = OTHER_NAMES.get(name.lower()) or nearest(name.lower(), known)
        if meant is None and "." in name:
            hint = f"payload.{name} looks into the payload"
        elif meant is None:
            hint = f"use one of {', '.join(known)}"
        else:
            hint = f"did you mean {meant!r}?"
        also = "; put the whole word in quotes to look for the text"
        return self._fault(f"unknown field {shown(name)!r}", hint + also, at=start)

    def _wrong_operator(self, name: str, kind: Kind, operator: str) -> FilterError:
        allowed = OPERATORS[kind]
        hint = f"use {' '.join(allowed)}"
        if kind is Kind.CONTENT:
            hint = f"write {name}~text, or {name}.key=value to look into JSON"
        return self._fault(f"{name} does not take {operator!r}", hint)

    def _fault(self, what: str, hint: str, *, at: int | None = None) -> FilterError:
        column = (self.at if at is None else at) + 1
        return FilterError(what, hint=hint, query=self.query, column=column)
