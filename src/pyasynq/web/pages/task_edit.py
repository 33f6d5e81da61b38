"""The form that replaces the payload of a task: what is in it, and what it sends back. Pure."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Literal

from pyasynq.task import TaskState
from pyasynq.web.pages.forms import Form
from pyasynq.web.refusal import Refusal
from pyasynq.web.service.records import TaskRecord

EDITABLE = (
    *(TaskState.PENDING, TaskState.SCHEDULED, TaskState.RETRY, TaskState.ARCHIVED),
    TaskState.AGGREGATING,
)
LARGEST = 200_000  # bytes; a form of a page has a million, and a byte may take three of them
UNIX, DOS = "\n", "\r\n"

Kind = Literal["json", "text", "base64"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Editable:
    """A payload as a form holds it.

    Attributes:
        kind: how it is written: as JSON or other text, or in Base64 if it is neither.
        text: the payload.
        breaks: "dos" if its lines end as on Windows; browsers send all lines so.
        seen: its digest.
    """

    kind: Kind
    text: str
    breaks: Literal["unix", "dos"]
    seen: str


def editable_of(record: TaskRecord) -> Editable | None:
    """Return the payload of a task for its form; None if it cannot be replaced there.

    It cannot if the state of the task does not allow it, a part of it is hidden, or it is too
    large; nor if it holds what a form cannot send as it is.
    """
    payload = record.task.payload
    if record.task.state not in EDITABLE or record.is_hidden or len(payload) > LARGEST:
        return None
    text = _sendable(payload)
    if text is None:
        encoded = base64.b64encode(payload).decode()
        return Editable(kind="base64", text=encoded, breaks="unix", seen=record.digest)
    return Editable(
        kind="json" if is_json(text) else "text",
        text=text,
        breaks="dos" if DOS in text else "unix",
        seen=record.digest,
    )


def payload_of(form: Form) -> bytes:
    """Return the new payload that a form has sent.

    Raises:
        Refusal: it is no JSON, but the old one was; or no Base64, which it should be.
    """
    text = form.text("payload").replace(DOS, UNIX)
    match form.text("kind"):
        case "base64":
            try:
                return base64.b64decode("".join(text.split()), validate=True)
            except (binascii.Error, ValueError) as error:
                raise Refusal(
                    400, f"the payload must be Base64: {error}", key="payload_not_base64"
                ) from error
        case "json":
            if fault := _json_fault(text):
                raise Refusal(
                    400,
                    f"the old payload is JSON, and the new one is not: {fault}",
                    key="payload_not_json",
                )
    if form.text("breaks") == "dos":
        text = text.replace(UNIX, DOS)
    return text.encode("utf-8", "surrogateescape")


def is_json(text: str) -> bool:
    """Return whether a text is JSON."""
    return not _json_fault(text)


def _json_fault(text: str) -> str:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        return str(error) or "it is too deep"
    return ""


def _sendable(payload: bytes) -> str | None:
    """Return a payload as text if a form sends back the same; None if not."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    lines = text.replace(DOS, UNIX)
    is_mixed = DOS in text and lines.replace(UNIX, DOS) != text
    return None if "\0" in text or "\r" in lines or is_mixed else text
