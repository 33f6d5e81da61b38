"""The text that is stored for an exception: ``ValueError: bad size [resize.py:41]``.

An exception is a piece of a user's program. Whatever its methods do, there is a text, and Go can
store it: valid UTF-8 of a bounded length.
"""

from pathlib import PurePath
from traceback import walk_tb

from pyasynq.errors import PyasynqError
from pyasynq.wire.message import clean_text

# Texts that readers of Go Asynq's data group failures by: context package of Go, recoverer.go.
DEADLINE_EXCEEDED = "context deadline exceeded"
CONTEXT_CANCELLED = "context canceled"
LEASE_EXPIRED = "asynq: task lease expired"

LONGEST_ERROR_BYTES = 4096
LONGEST_GROUP_BYTES = 1024  # of which an exception group takes so much before its first member
LONGEST_PLACE_BYTES = 256
DEEPEST_GROUP = 100
_KEPT_TEXT = "__pyasynq_text__"


def error_text(error: BaseException) -> str:
    """Return the text stored for *error*: its type, its message, and where it was raised.

    A message that is too long is cut, the place is not. A group is followed by its first member.
    Errors of pyasynq and of an ended attempt keep their own text, since Go's tools group by it.
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
    """Return what *error* says of itself, as a plain string."""
    try:
        said = str(error)
    except BaseException:  # noqa: BLE001 - a __str__ of the user's, which may raise anything
        return "(its text cannot be made)"
    return str.__str__(said)  # of a subclass of str nothing of its own is called


def keep_text(error: BaseException, text: str) -> None:
    """Let `error_text` return *text*, made where *error* was raised: in another process."""
    BaseException.__setattr__(error, _KEPT_TEXT, text)


def _kept_text(error: BaseException) -> str | None:
    try:
        # A class may look for unknown attributes where it likes; it is not asked.
        kept: str = BaseException.__getattribute__(error, _KEPT_TEXT)
    except AttributeError:
        return None
    return kept


def _text(error: BaseException, limit_bytes: int) -> str:
    said = message_of(error)[: LONGEST_ERROR_BYTES + 1]
    if _is_ours(error, said):
        return clean_text(said, limit_bytes)
    name = type(error).__qualname__
    place = _place(error)
    text = clean_text(f"{name}: {said}" if said else name, limit_bytes - len(place.encode()))
    return text + place


def _is_ours(error: BaseException, said: str) -> bool:
    return isinstance(error, PyasynqError) or said in (DEADLINE_EXCEEDED, CONTEXT_CANCELLED)


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


def _place(error: BaseException) -> str:
    """Return `` [file:line]`` of where *error* was raised; empty if it never was."""
    where = ""
    for frame, line in walk_tb(error.__traceback__):
        where = f" [{PurePath(frame.f_code.co_filename).name}:{line}]"
    return clean_text(where, LONGEST_PLACE_BYTES)
