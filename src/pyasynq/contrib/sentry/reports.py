"""The event that reports a failed attempt, made of its exception; nothing is sent here."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import sentry_sdk
from sentry_sdk.utils import event_from_exception

from pyasynq.admin.redaction import SecretWords
from pyasynq.contrib.sentry.private_data import frames_of, sends_payloads
from pyasynq.contrib.sentry.settings import IDENTIFIER
from pyasynq.errors import PayloadError
from pyasynq.tracing import Ended, TaskFacts
from pyasynq.worker.attempt.outcome import chain
from pyasynq.worker.execute.processes.protocol import ChildTraceback

Event = dict[str, Any]

LONGEST_ARGUMENTS = 8192  # bytes of a payload; of a longer one the size is told
_secrets = SecretWords()
_FRAME = re.compile(r'^  File "(.+)", line (\d+), in (.+)(?:\n    (.+))?', re.MULTILINE)
_HEAD = "Traceback (most recent call last):"


def report_of(task: TaskFacts, ended: Ended) -> tuple[Any, Any]:
    """Return the event of a failed attempt, and its hint for ``before_send``.

    Local variables hold arguments, so they are left out unless payloads may be sent.
    """
    error = ended.error
    if error is None:
        raise ValueError("an attempt that has not failed is not reported")
    options = sentry_sdk.get_client().options
    made, hint = event_from_exception(
        error, client_options=options, mechanism={"type": IDENTIFIER, "handled": False}
    )
    event: Event = dict(made)
    event["level"] = "error" if ended.outcome == "archived" else "warning"
    values = event["exception"]["values"]
    _hide_values(values, error)
    may_send = sends_payloads(options)
    for frame in frames_of(event):
        is_ours = str(frame.get("module")).partition(".")[0] == "pyasynq"
        if is_ours:
            frame["in_app"] = False
        variables = frame.pop("vars", None)
        if variables and may_send and not is_ours:  # ours hold whole tasks, with their headers
            frame["vars"] = _without_secrets(msgspec.json.encode(variables, enc_hook=repr))
    values[:] = list(_with_frames(values, error))
    if not any("stacktrace" in each for each in values):
        event["fingerprint"] = ["{{ default }}", task.type]
    return event, hint


def arguments_of(payload: bytes) -> object:
    """Return what may be shown of a payload: its JSON without what looks like a secret."""
    if len(payload) > LONGEST_ARGUMENTS:
        return f"{len(payload)} bytes"
    try:
        return _without_secrets(payload)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return f"{len(payload)} bytes that are not JSON"


def _without_secrets(document: bytes) -> object:
    return msgspec.json.decode(_secrets("payload", document))


def _hide_values(values: list[Event], error: BaseException) -> None:
    """Take values of payloads out of the texts of errors."""
    texts = {
        str(link): link.text_without_value
        for link in chain(error)
        if isinstance(link, PayloadError)
    }
    for value in values:
        text = str(value.get("value"))
        value["value"] = texts.get(text, text)


def _with_frames(values: list[Event], error: BaseException) -> Iterator[Event]:
    """Yield the exceptions; one of a process of its own has its frames there, sent as text."""
    texts = [str(link.args[0]) for link in chain(error) if isinstance(link, ChildTraceback)]
    frames: list[Event] = []
    for value in values:
        if value["type"] == ChildTraceback.__name__ and texts:
            frames = _frames_of(texts[0])
        elif frames:
            yield {**value, "stacktrace": {"frames": frames}}
            frames = []
        else:
            yield value


def _frames_of(traceback: str) -> list[Event]:
    """Return the frames of the last exception in a traceback, the innermost one last."""
    return [
        {
            "filename": path.rpartition("/")[2],
            "abs_path": path,
            "lineno": int(line),
            "function": function,
            **({"context_line": code} if code else {}),
        }
        for path, line, function, code in _FRAME.findall(traceback.rpartition(_HEAD)[2])
    ]
