"""The description of everything that is answered, in the form of OpenAPI 3.1."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from pyasynq.version import __version__
from pyasynq.web.rest.answers import answer
from pyasynq.web.routing import Call, Endpoint

PATH = "/api/x/openapi.json"

_NAME = re.compile(r"\{(\w+)\}")
_SCHEMAS = "#/components/schemas/{name}"
_OFTEN = {
    401: "somebody must log in first",
    403: "the role of the visitor does not allow it, or it comes from another site",
    503: "Redis does not answer",
}


def openapi_endpoint(others: Callable[[], Sequence[Endpoint]]) -> Endpoint:
    """Return the endpoint of the description.

    Args:
        others: returns everything that is answered.
    """

    async def show(call: Call) -> Response:
        call.service.guard.check()
        return answer(description(others(), call.root))

    return Endpoint(
        method="GET",
        path=PATH,
        summary="This description.",
        handle=show,
        answer=dict[str, Any],
    )


def description(endpoints: Sequence[Endpoint], root: str = "") -> dict[str, Any]:
    """Return the description of *endpoints*.

    Args:
        endpoints: what is answered.
        root: of the web UI, as the outside world sees it.
    """
    kinds = [each for endpoint in endpoints for each in _kinds(endpoint)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_SCHEMAS)
    known = {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": "pyasynq", "version": __version__},
        "servers": [{"url": root or "/"}],
        "paths": paths,
        "components": {"schemas": components},
    }


def _kinds(endpoint: Endpoint) -> Iterable[Any]:
    if endpoint.body is not None:
        yield endpoint.body
    if isinstance(endpoint.answer, tuple):
        yield from endpoint.answer
    elif endpoint.answer is not None:
        yield endpoint.answer


def _operation(endpoint: Endpoint, known: dict[int, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "x-role": endpoint.needs.name.lower(),
        "parameters": [*_of_path(endpoint), *_of_query(endpoint)],
        "responses": _responses(endpoint, known),
    }
    if endpoint.body is not None:
        operation["requestBody"] = _content(known[id(endpoint.body)])
    return operation


def _of_path(endpoint: Endpoint) -> Iterable[dict[str, Any]]:
    for name in _NAME.findall(endpoint.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _of_query(endpoint: Endpoint) -> Iterable[dict[str, Any]]:
    for each in endpoint.query:
        schema: dict[str, Any] = {"type": each.kind}
        if each.default not in ("", None):
            schema["default"] = each.default
        yield {
            "name": each.name,
            "in": "query",
            "required": each.default is None,
            "description": each.meaning,
            "schema": schema,
        }


def _responses(endpoint: Endpoint, known: dict[int, Any]) -> dict[str, Any]:
    often = {} if endpoint.is_open else _OFTEN
    failures = {**often, **endpoint.failures}
    if endpoint.action is not None:
        failures[405] = "nobody may change anything here"
    told = {str(status): {"description": text} for status, text in sorted(failures.items())}
    if endpoint.answer is None:
        return {"204": {"description": "it is done"}, **told}
    kinds = endpoint.answer if isinstance(endpoint.answer, tuple) else (endpoint.answer,)
    content = _content(known[id(kinds[0])], endpoint.media_types)
    return {"200": {"description": "the answer", **content}, **told}


def _content(schema: Any, media_types: Sequence[str] = ("application/json",)) -> dict[str, Any]:
    return {"content": {each: {"schema": schema} for each in media_types}}
