"""The filter of a search: what is written in the language, and what other fields say. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyasynq.admin.filters import Filter, Term, Text, all_of, parse
from pyasynq.task import TaskState
from pyasynq.web.pages.forms import Form
from pyasynq.web.refusal import Refusal

EXAMPLES: Sequence[tuple[str, str]] = (
    ("archived", "state:archived type:email:*"),
    ("queues", "queue:mail,low !state:completed"),
    ("timeouts", "error~timeout (retried>=3 or age>1d)"),
    ("payload", "payload.user.id=42"),
    ("soon", "state:scheduled next<10m"),
    ("orphaned", "state:active orphaned:true"),
    ("outage", "failed>2030-01-31T12:00Z failed<2030-01-31T13:00Z"),
    ("large", "size>100kB"),
    ("id", "id:0b2e*"),
)
"""Filters to begin with: each the key of what it finds, and its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody looks for, as the fields of the page hold it.

    Attributes:
        query: a filter, in the language.
        queue, state: where; empty for anywhere.
        type: a task type, in which an asterisk is any text; empty for any.
        text: what the ID, the type, the payload or the error contains; empty for anything.
        is_asked: whether anything was asked for at all.
    """

    query: str = ""
    queue: str = ""
    state: str = ""
    type: str = ""
    text: str = ""
    is_asked: bool = False

    def filter(self) -> Filter:
        """Return the filter of all of it.

        Raises:
            FilterError: there is a mistake in the query.
        """
        terms: Sequence[tuple[str, Filter]] = (
            (self.queue, Term("queue", "=", (self.queue,))),
            (self.state, Term("state", ":", (self.state,))),
            (self.type, Term("type", ":", (self.type,))),
            (self.text, Text(self.text)),
        )
        return all_of([parse(self.query), *(term for given, term in terms if given)])


def wanted_of(form: Form) -> Wanted:
    """Return what the fields of a page say.

    Raises:
        Refusal: there is no such state.
    """
    fields = {each: form.text(each) for each in ("query", "queue", "state", "type", "text")}
    if fields["state"] not in ("", *TaskState):
        raise Refusal(400, f"state must be one of {', '.join(TaskState)}", key="state")
    return Wanted(**fields, is_asked=form.has("query") or any(fields.values()))


def marked(query: str, column: int) -> tuple[str, str, str]:
    """Return a query in three parts, of which the second is where the mistake is.

    Args:
        query: the whole text.
        column: of the mistake, from 1; it may be behind the end.
    """
    at = column - 1
    return query[:at], query[at : at + 1], query[at + 1 :]
