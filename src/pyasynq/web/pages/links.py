"""Links: names of whomever become parts of paths, and what a page shows is all in its URL."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from pyasynq.web.paths import fields_of


class Links:
    """Makes the links of one page.

    Args:
        root: of the web UI, as the outside world sees it.
        path: of the page, below the root, as a browser has sent it.
        query: what comes after the question mark.
    """

    def __init__(self, root: str, path: str, query: str) -> None:
        self.root = root
        self.path = path
        self._query = fields_of(query)

    @property
    def here(self) -> str:
        """This page, below the root; a form sends it, so that its answer leads back."""
        return self._with({})

    def to(self, *parts: str, **query: object) -> str:
        """Return the link to a page: ``to("queues", name, page=2)``."""
        path = "/".join(_quoted(part) for part in parts)
        return f"{self.root}/{path}{_query_of(_known(query))}"

    def again(self, **changes: object) -> str:
        """Return the link to this page with some of its query changed; None takes a part away."""
        return f"{self.root}{self._with(changes)}"

    def _with(self, changes: Mapping[str, object]) -> str:
        kept = [(name, value) for name, value in self._query if name not in changes]
        return f"{self.path}{_query_of([*kept, *_known(changes)])}"


def back_to(root: str, given: str, **query: object) -> str:
    """Return where the answer to a form leads: what it has named, if that is here.

    Args:
        root: of the web UI.
        given: a path and a query below the root, as the form has sent it.
        query: what is added to the query.
    """
    is_here = given.startswith("/") and not given.startswith("//")
    is_plain = all("!" <= each <= "~" and each != "\\" for each in given)
    path, _, old = (given if is_here and is_plain else "/").partition("?")
    kept = [each for each in fields_of(old) if each[0] not in query]
    return f"{root}{path}{_query_of([*kept, *_known(query)])}"


def _known(query: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in query.items() if value is not None]


def _query_of(fields: list[tuple[str, str]]) -> str:
    return f"?{urlencode(fields, errors='surrogateescape')}" if fields else ""


def _quoted(part: str) -> str:
    """Return a name as a part of a path; browsers would take one of only dots for a step."""
    quoted = quote(part, safe="", errors="surrogateescape")
    return quoted.replace(".", "%2E") if set(part) == {"."} else quoted
