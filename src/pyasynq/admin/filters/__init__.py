"""The filter language: what people write to say which tasks they mean.

`parse` makes a tree of a text, `matcher` a function that tells whether a task matches, and `scope`
says what must be read to find those that do. Nothing here does I/O.
"""

from pyasynq.admin.filters.fields import FIELDS
from pyasynq.admin.filters.matching import Matcher, matcher
from pyasynq.admin.filters.parsing import parse
from pyasynq.admin.filters.scope import Scope, scope
from pyasynq.admin.filters.tree import AllOf, AnyOf, Filter, Not, Term, Text, all_of, any_of

__all__ = [
    "FIELDS",
    "AllOf",
    "AnyOf",
    "Filter",
    "Matcher",
    "Not",
    "Scope",
    "Term",
    "Text",
    "all_of",
    "any_of",
    "matcher",
    "parse",
    "scope",
]
