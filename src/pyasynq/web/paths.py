"""The path of a request below the root of the web UI, wherever that is mounted, and its query.

Servers decode the path, so that a queue named "a/b" could not be told from two segments; the raw
path still has its ``%2F``. What comes out of here has the slashes and the percent signs of names
encoded, and nothing else, so that it can be cut at its slashes.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

from pyasynq.web.hosting import raw_path

MOST_FIELDS = 2000  # of a query


def placed(scope: Mapping[str, Any], prefix: str) -> tuple[str, str]:
    """Return the path below the root, and the root as the outside world sees it.

    Args:
        scope: of the request, by ASGI. Its ``root_path`` is where others have mounted us.
        prefix: where a proxy has mounted us, without a slash at its end; empty for nowhere. A proxy
            may pass it on or take it off.
    """
    mounted: str = scope.get("root_path", "").rstrip("/")
    path = _without(_safe_path(scope), _safe_text(mounted))
    return _without(path, prefix) or "/", f"{mounted}{prefix}"


def plain(segment: str) -> str:
    """Return what a part of a path means that `placed` has returned."""
    return unquote(segment, errors="surrogateescape")


def _safe_path(scope: Mapping[str, Any]) -> str:
    """Return the whole path with the slashes and percent signs of names encoded."""
    path: str = scope["path"]
    raw = raw_path(scope)
    if raw is None:
        return _safe_text(path)
    decoded = unquote_to_bytes(raw).decode("utf-8", "replace")
    if path.endswith("/") and not decoded.endswith("/"):
        path = path[:-1]  # Litestar adds a slash, and calls its root "/"
    # Whoever has taken something off the path may have left the raw path as it was.
    if not decoded.endswith(path.encode("utf-8", "replace").decode()):
        return _safe_text(path)
    safe = "/".join(_safe(segment) for segment in raw.split(b"/"))
    return _tail(safe, path, decoded)


def _tail(safe: str, path: str, decoded: str) -> str:
    """Return the end of a safe path that stands for *path*, which is the end of *decoded*."""
    left = len(decoded) - len(path)
    at = 0
    while left > 0 and at < len(safe):
        at += 3 if safe[at] == "%" else 1
        left -= 1
    return safe[at:]


def _safe(segment: bytes) -> str:
    return _safe_text(unquote_to_bytes(segment).decode("utf-8", "surrogateescape"), "%", "/")


def _safe_text(text: str, *characters: str) -> str:
    for each in characters or ("%",):
        text = text.replace(each, f"%{ord(each):02X}")
    return text


def _without(path: str, prefix: str) -> str:
    """Return *path* without *prefix*, if it begins with it."""
    if prefix and (path == prefix or path.startswith(f"{prefix}/")):
        return path[len(prefix) :]
    return path


def query_of(scope: Mapping[str, Any]) -> str:
    """Return the query of a request, whatever bytes it has."""
    data: bytes = scope.get("query_string", b"")
    return data.decode("ascii", "surrogateescape")


def fields_of(query: str) -> list[tuple[str, str]]:
    """Return the names and values of a query, at most 2,000 of them.

    Bytes that are not UTF-8 stay what they are.
    """
    first = "&".join(query.split("&", MOST_FIELDS)[:MOST_FIELDS])
    return parse_qsl(first, keep_blank_values=True, errors="surrogateescape")
