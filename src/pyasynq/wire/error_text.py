"""The text that is stored for an exception: ``ValueError: bad size [images/resize.py:41]``.

An exception is a piece of a user's program. Whatever its methods do, this module returns a text,
and one that Go can store: valid UTF-8 of limited length.
"""

from pyasynq.errors import PayloadError, PyasynqError
from pyasynq.wire.message import clean_text
from pyasynq.wire.source_line import source_line

# Texts by which Go's tools group failures: those of Go's package context and of recoverer.go.
DEADLINE_EXCEEDED = "context deadline exceeded"
CONTEXT_CANCELLED = "context canceled"
LEASE_EXPIRED = "asynq: task lease expired"

RESULT_NOT_KEPT = "result not kept: "
"""What the error text of a completed task begins with if its result could not be stored."""

LONGEST_ERROR_BYTES = 4096
LONGEST_GROUP_BYTES = 1024  # of these for the group itself, before the text of its first member
LONGEST_SOURCE_LINE_BYTES = 256
DEEPEST_GROUP = 100
_KEPT_TEXT = "__pyasynq_text__"


def error_text(error: BaseException) -> str:
    """Return the text stored for *error*: its type, its message, and where it was raised.

    A message that is too long is cut, but not the line after it. An exception group is followed by
    its first member. Errors of pyasynq and errors that end an attempt keep their own texts, since
    Go's tools group failures by them.
    """
    kept = _kept_text(error)
    if kept is not None:
        return kept
    if not isinstance(error, BaseExceptionGroup):
        return _text(_as_raised(error), LONGEST_ERROR_BYTES)
    group = _text(error, LONGEST_GROUP_BYTES)
    member = _text(_first_member(error), LONGEST_ERROR_BYTES - LONGEST_GROUP_BYTES - len(": "))
    return f"{group}: {member}"


def message_of(error: BaseException) -> str:
    """Return the message of *error* as a plain string, even if its ``__str__`` fails."""
    try:
        message = str(error)
    except BaseException:  # noqa: BLE001 - a __str__ of the user's, which may raise anything
        return "(its message cannot be read)"
    return str.__str__(message)  # even of a subclass of str; none of its own methods is called


def keep_text(error: BaseException, text: str) -> None:
    """Let `error_text` return *text*, made where *error* was raised: in another process."""
    BaseException.__setattr__(error, _KEPT_TEXT, text)


def _kept_text(error: BaseException) -> str | None:
    try:
        # A __getattr__ of the user's class might do anything; it is not called.
        kept: str = BaseException.__getattribute__(error, _KEPT_TEXT)
    except AttributeError:
        return None
    return kept


def _text(error: BaseException, limit_bytes: int) -> str:
    # A payload may hold what is secret, and Redis and the log keep this text.
    message = error.text_without_value if isinstance(error, PayloadError) else message_of(error)
    message = message[: LONGEST_ERROR_BYTES + 1]
    if _keeps_its_text(error, message):
        return clean_text(message, limit_bytes)
    name = type(error).__qualname__
    line = _source_line(error)
    text = clean_text(f"{name}: {message}" if message else name, limit_bytes - len(line.encode()))
    return text + line


def _keeps_its_text(error: BaseException, message: str) -> bool:
    return isinstance(error, PyasynqError) or message in (DEADLINE_EXCEEDED, CONTEXT_CANCELLED)


def _as_raised(error: BaseException) -> BaseException:
    """Return the StopIteration that a coroutine cannot raise, which Python replaces."""
    cause = error.__cause__
    if type(error) is RuntimeError and type(cause) is StopIteration:
        return cause
    return error


def _first_member(error: BaseException) -> BaseException:
    for _ in range(DEEPEST_GROUP):
        if not isinstance(error, BaseExceptionGroup):
            break
        error = error.exceptions[0]
    return _as_raised(error)


def _source_line(error: BaseException) -> str:
    """Return `` [where]`` it was raised; empty if it was never raised."""
    line = source_line(error)
    return clean_text(f" [{line}]", LONGEST_SOURCE_LINE_BYTES) if line else ""
