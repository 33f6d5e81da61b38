"""The fields of the filter language: what each takes, and with which operators."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

EQUALITY = (":", "=", "!=")
ORDER = ("<", "<=", ">", ">=")


class Kind(Enum):
    """What a field holds, which decides its operators and how its values are written."""

    STATE = "a state"
    NAME = "text"
    CONTENT = "text that is contained"
    JSON = "a text, a number, true, false or null"
    NUMBER = "a whole number"
    SIZE = "a size"
    FLAG = "true or false"
    SPAN = "a length of time"
    PAST = "a time, or how long ago"
    FUTURE = "a time, or how far away"


OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    Kind.STATE: EQUALITY,
    Kind.NAME: (*EQUALITY, "~"),
    Kind.CONTENT: ("~",),
    Kind.JSON: (*EQUALITY, "~", *ORDER),
    Kind.NUMBER: (*EQUALITY, *ORDER),
    Kind.SIZE: (*EQUALITY, *ORDER),
    Kind.FLAG: EQUALITY,
    Kind.SPAN: ORDER,
    Kind.PAST: ORDER,
    Kind.FUTURE: ORDER,
}
SEPARABLE = (Kind.STATE, Kind.NAME)  # several values may be given, with commas between them


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the language.

    Attributes:
        kind: what it holds.
        attribute: the attribute of a `FoundTask` that holds it.
        meaning: for people.
    """

    kind: Kind
    attribute: str
    meaning: str


FIELDS: Mapping[str, Field] = {
    "queue": Field(Kind.NAME, "queue", "the name of the queue"),
    "state": Field(Kind.STATE, "state", "the state"),
    "type": Field(Kind.NAME, "type", "the task type"),
    "id": Field(Kind.NAME, "id", "the ID"),
    "group": Field(Kind.NAME, "group", "the group; empty for none"),
    "error": Field(Kind.NAME, "last_error", "the text of the last failure"),
    "fingerprint": Field(Kind.NAME, "last_error", "the fingerprint of the last failure"),
    "payload": Field(Kind.CONTENT, "payload", "the payload"),
    "result": Field(Kind.CONTENT, "result", "the result"),
    "headers": Field(Kind.JSON, "headers", "a header, as headers.NAME"),
    "retried": Field(Kind.NUMBER, "retried", "how often it was retried"),
    "max_retry": Field(Kind.NUMBER, "max_retry", "how often it may be retried"),
    "size": Field(Kind.SIZE, "size", "the size of the payload"),
    "orphaned": Field(Kind.FLAG, "is_orphaned", "whether its worker is gone"),
    "age": Field(Kind.SPAN, "since_ns", "for how long it has been in its state"),
    "since": Field(Kind.PAST, "since_ns", "when it came into its state"),
    "failed": Field(Kind.PAST, "failed_ns", "when it last failed"),
    "completed": Field(Kind.PAST, "completed_ns", "when it was completed"),
    "next": Field(Kind.FUTURE, "due_ns", "when it runs next"),
    "deadline": Field(Kind.FUTURE, "deadline_ns", "when every attempt ends"),
}
DOCUMENTS = ("payload", "result", "headers")  # a path may follow these

OTHER_NAMES: Mapping[str, str] = {
    "args": "payload",
    "attempts": "retried",
    "body": "payload",
    "data": "payload",
    "due": "next",
    "exception": "error",
    "header": "headers",
    "kind": "type",
    "last_error": "error",
    "last_failed": "failed",
    "max_retries": "max_retry",
    "message": "error",
    "name": "type",
    "older": "age",
    "process_at": "next",
    "q": "queue",
    "retries": "retried",
    "retry": "retried",
    "status": "state",
    "task": "type",
    "task_id": "id",
}
"""What other tools call a field, and what it is called here."""

OTHER_STATES: Mapping[str, str] = {
    "dead": "archived",
    "delayed": "scheduled",
    "done": "completed",
    "enqueued": "pending",
    "failed": "archived",
    "finished": "completed",
    "processing": "active",
    "queued": "pending",
    "retrying": "retry",
    "running": "active",
    "succeeded": "completed",
    "waiting": "pending",
}
"""What other tools call a state, and what it is called here."""
