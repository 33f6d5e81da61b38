"""How an exception is made again in another process, or as a copy."""

from typing import Any


def as_it_is(error: BaseException) -> tuple[Any, ...]:
    """Return how to make *error* again in another process, or as a copy.

    Its text and its attributes are taken over as they are, since its class may want to be called
    with something else than the text.
    """
    return _again, (type(error), error.args), error.__dict__


def _again(kind: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    error: BaseException = kind.__new__(kind)
    error.args = args
    return error
