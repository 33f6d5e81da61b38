"""Endpoints: what is answered at which path, and by which method."""

import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from pyasynq.web.access.roles import ACTIONS, Action, Role
from pyasynq.web.look import Look
from pyasynq.web.paths import fields_of, plain, query_of
from pyasynq.web.refusal import Refusal
from pyasynq.web.service.service import Service

Method = Literal["GET", "POST", "DELETE"]

_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to an endpoint.

    Attributes:
        request: the request.
        names: what stands in the path, by the names of its parts.
        service: everything that this visitor may look at and do.
        root: the root of the web UI, as the outside world sees it.
        path: below the root, as it was sent.
        look: what pages show besides the data.
    """

    request: Request
    names: Mapping[str, str]
    service: Service
    root: str
    path: str
    look: Look

    @property
    def query(self) -> QueryParams:
        """What comes after the question mark; bytes that are not UTF-8 stay what they are."""
        return QueryParams(fields_of(query_of(self.request.scope)))


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a query.

    Attributes:
        name: the name.
        meaning: a sentence for its reader.
        kind: a type of JSON Schema.
        default: what counts if it is not given; None if it must be given.
    """

    name: str
    meaning: str
    kind: Literal["integer", "string"] = "string"
    default: int | str | None = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What is answered at one path, by one method.

    Attributes:
        method: the method; HEAD is answered where GET is.
        path: below the root; ``{name}`` stands for a part of one segment.
        summary: a sentence that tells what it does.
        handle: answers a call.
        action: what it changes; None if it only looks.
        query: its parameters.
        body: what is sent; None for nothing.
        answer: what is answered; None for nothing.
        media_types: the forms of the answer.
        failures: statuses that are specific to it, and when they are answered.
        is_open: whether everybody may ask it, without logging in.
    """

    method: Method
    path: str
    summary: str
    handle: Handler
    action: Action | None = None
    query: Sequence[Parameter] = ()
    body: Any = None
    answer: Any = None
    media_types: Sequence[str] = ("application/json",)
    failures: Mapping[int, str] = field(default_factory=dict)
    is_open: bool = False

    @property
    def needs(self) -> Role:
        """The role that it needs."""
        if self.is_open:
            return Role.NONE
        return Role.READ if self.action is None else ACTIONS[self.action]


class Router:
    """Finds the endpoint of a request."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.endpoints: tuple[Endpoint, ...] = tuple(endpoints)
        self._by_depth: dict[int, list[tuple[re.Pattern[str], Endpoint]]] = defaultdict(list)
        for each in self.endpoints:
            self._by_depth[each.path.count("/")].append((_pattern(each.path), each))

    def find(self, method: str, path: str) -> tuple[Endpoint, Mapping[str, str]]:
        """Return the endpoint of a request, and what stands in its path.

        Args:
            method: GET and the like.
            path: below the root, as `placed` returns it.

        Raises:
            Refusal: there is no such path, or not by this method.
        """
        others: set[str] = set()
        wanted = "GET" if method == "HEAD" else method
        for pattern, endpoint in self._by_depth.get(path.count("/"), ()):
            found = pattern.fullmatch(path)
            if found is None:
                continue
            if endpoint.method == wanted:
                return endpoint, {name: plain(each) for name, each in found.groupdict().items()}
            others.add(endpoint.method)
        if others:
            raise Refusal(405, headers={"Allow": ", ".join(sorted(others))})
        raise Refusal(404, "there is nothing at this path", key="no_path")


def _pattern(path: str) -> re.Pattern[str]:
    parts = _NAME.split(path)
    return re.compile(
        "".join(
            f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)
        )
    )
