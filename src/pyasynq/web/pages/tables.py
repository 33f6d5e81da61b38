"""Tables of which a part is shown, in an order that the visitor chooses. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pyasynq.web.questions import number
from pyasynq.web.routing import Call

T = TypeVar("T")

MOST_PAGES = 2**40


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Generic[T]):
    """What is shown of a table.

    Attributes:
        rows: what is shown.
        number: of the page, from 1.
        count: how many pages there are.
    """

    rows: Sequence[T]
    number: int
    count: int


def page_of(call: Call, rows: Sequence[T], size: int) -> Part[T]:
    """Return the page of *rows* that a request asks for; the last one, if it is beyond."""
    count = pages(len(rows), size)
    at = min(page_number(call), count)
    return Part(rows=rows[(at - 1) * size : at * size], number=at, count=count)


def page_number(call: Call) -> int:
    """Return the number of the page that a request asks for.

    Raises:
        Refusal: it is no number, or out of range.
    """
    return number(call, "page", 1, least=1, most=MOST_PAGES)


def pages(total: int, size: int) -> int:
    """Return how many pages *total* rows fill, at least one."""
    return max(1, -(-total // size))


def sorted_by(
    call: Call, rows: Sequence[T], keys: Mapping[str, Callable[[T], Any]], *, default: str
) -> tuple[str, Sequence[T]]:
    """Return how a request wants *rows* to be sorted, and the rows in that order.

    Args:
        call: the request; ``sort=-size`` begins with the largest size.
        rows: what is sorted; rows with the same key stay in their order.
        keys: by what rows can be sorted.
        default: how they are if nothing that makes sense is asked for.
    """
    wanted = call.query.get("sort", "")
    sort = wanted if wanted.removeprefix("-") in keys else default
    key = keys[sort.removeprefix("-")]
    return sort, sorted(rows, key=key, reverse=sort.startswith("-"))
