"""Payloads and results as text, as asynqmon shows them unless it is told otherwise."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from pyasynq.admin.payload_text import NOT_PRINTABLE, payload_text

Formatter = Callable[[str, bytes], str]
"""Returns a payload or a result as text; it is given the type of the task and the bytes."""

LENGTH = 200  # characters, as in asynqmon
FAILED = "the formatter failed"

logger = logging.getLogger("pyasynq.web")


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
        return _cut(_made(self.payload, task_type, payload), self.max_payload_length)

    def of_result(self, task_type: str, result: bytes | None) -> str:
        """Return a result as text."""
        return _cut(_made(self.result, task_type, result or b""), self.max_result_length)


def _made(formatter: Formatter, task_type: str, data: bytes) -> str:
    """Return what a formatter makes; one that fails hides no task."""
    try:
        text: object = formatter(task_type, data)
    except Exception as error:  # noqa: BLE001 - it is not ours, and its text may hold the payload
        logger.warning("a formatter failed: %s", type(error).__name__)
        return FAILED
    return text if isinstance(text, str) else FAILED


def _cut(text: str, longest: int | None) -> str:
    return text if longest is None or len(text) <= longest else f"{text[:longest]}…"
