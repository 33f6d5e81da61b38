"""The traceback of an exception as a person wants to read it: without what runs handlers.

Frames of pyasynq, asyncio, click and threads are left out, in causes and groups, too, unless the
process runs with PYASYNQ_DEBUG or ``--debug``. So are, always, the values that PayloadErrors show,
since a payload may hold what is secret.
"""

import traceback
from collections.abc import Iterator

from pyasynq.debug import is_debug
from pyasynq.errors import PayloadError, PyasynqError
from pyasynq.wire.error_text import DEADLINE_EXCEEDED, message_of
from pyasynq.wire.source_line import is_machinery

UNREADABLE = "(its traceback cannot be made)"


def traceback_text(error: BaseException) -> str:
    """Return the traceback of *error* as text that UTF-8 can hold, without a final line feed."""
    try:
        shown = traceback.TracebackException.from_exception(error)
        if not is_debug():
            for each, of in _chain(shown, error, set()):
                _leave_out_machinery(each, of)
        text = _without_values("".join(shown.format()).rstrip("\n"), error)
    except BaseException:  # noqa: BLE001 - an exception of the user's may do anything
        return UNREADABLE
    return text.encode("utf-8", "backslashreplace").decode()


def _leave_out_machinery(shown: traceback.TracebackException, error: BaseException) -> None:
    kept = [frame for frame in shown.stack if not is_machinery(frame.filename)]
    # A bug of pyasynq keeps its frames: nothing else would say where it is.
    is_own = isinstance(error, PyasynqError) or str(shown) == DEADLINE_EXCEEDED
    if kept or is_own or shown.__cause__ is not None:
        shown.stack = traceback.StackSummary.from_list(kept)


def _without_values(text: str, error: BaseException) -> str:
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, PayloadError):
            text = text.replace(message_of(each), each.text_without_value)
        members = each.exceptions if isinstance(each, BaseExceptionGroup) else ()
        waiting += [each.__cause__, each.__context__, *members]
    return text


def _chain(
    shown: traceback.TracebackException, error: BaseException, seen: set[int]
) -> Iterator[tuple[traceback.TracebackException, BaseException]]:
    """Yield *shown* and what it refers to, each beside its exception."""
    if id(shown) in seen:
        return
    seen.add(id(shown))
    yield shown, error
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    following = (error.__cause__, error.__context__, *members)
    for each, of in zip(
        (shown.__cause__, shown.__context__, *(shown.exceptions or ())), following, strict=False
    ):
        if each is not None and of is not None:
            yield from _chain(each, of, seen)
