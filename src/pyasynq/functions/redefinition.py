"""Whether a function is registered again because the text that defines it has run again.

A cell of a notebook that is run twice and `importlib.reload` define the same function once more,
perhaps changed; the new one replaces the old one. Two functions of one name in one text are a
mistake. What tells them apart: those two come from one run of one text, whose code holds both.
"""

import inspect
import sys
from types import CodeType, FrameType
from typing import Any


def is_redefined(old: Any, new: Any) -> bool:
    """Whether *new*, which is being registered, is *old* in a later version.

    Call it below the frame that defines *new*, where it is registered.
    """
    if old is new:
        return True
    old, new = inspect.unwrap(old), inspect.unwrap(new)
    if _name_of(old) != _name_of(new):
        return False
    code, frame = getattr(old, "__code__", None), _definer_of(new)
    if code is None or code is getattr(new, "__code__", None):
        return False  # such as what one factory has made twice
    return frame is None or not _holds(frame.f_code, code)


def _name_of(function: Any) -> tuple[object, object]:
    return getattr(function, "__module__", None), getattr(function, "__qualname__", function)


def _definer_of(function: Any) -> FrameType | None:
    """Return the frame that runs the text in which *function* stands."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - documented, in spite of its name
    space = getattr(function, "__globals__", None)
    while frame is not None and frame.f_globals is not space:
        frame = frame.f_back
    return frame


def _holds(text: CodeType, code: CodeType) -> bool:
    """Whether *code* is that of a function in *text*, or in a class or a function there."""
    inner = [each for each in text.co_consts if isinstance(each, CodeType)]
    return any(each is code or _holds(each, code) for each in inner)
