"""Payloads and results as text, as asynqmon shows them unless it is told otherwise."""

from collections.abc import Callable
from dataclasses import dataclass

from pyasynq.admin.payload_text import NOT_PRINTABLE, payload_text

Formatter = Callable[[str, bytes], str]
"""Returns a payload or a result as text; it is given the type of the task and the bytes."""

LENGTH = 200  # characters, as in asynqmon


def as_text(task_type: str, data: bytes) -> str:
    """Return *data* as text; if it is not printable, or there is none, say so, as asynqmon does."""
    del task_type
    return payload_text(data) or NOT_PRINTABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatters:
    """How payloads and results are shown.

    Attributes:
        payload, result: make text of them.
        max_payload_length, max_result_length: characters; what is longer is cut. None: no limit.
    """

    payload: Formatter = as_text
    result: Formatter = as_text
    max_payload_length: int | None = LENGTH
    max_result_length: int | None = LENGTH

    def of_payload(self, task_type: str, payload: bytes) -> str:
        """Return a payload as text."""
        return _cut(self.payload(task_type, payload), self.max_payload_length)

    def of_result(self, task_type: str, result: bytes | None) -> str:
        """Return a result as text."""
        return _cut(self.result(task_type, result or b""), self.max_result_length)


def _cut(text: str, longest: int | None) -> str:
    return text if longest is None or len(text) <= longest else f"{text[:longest]}…"
