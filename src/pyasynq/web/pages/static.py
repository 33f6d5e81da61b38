"""Style sheets, scripts and pictures; browsers keep them until their content changes."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from starlette.responses import Response

from pyasynq.web.refusal import Refusal
from pyasynq.web.routing import Call, Endpoint

TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
FOR_A_YEAR = "public, max-age=31536000, immutable"


async def show_file(call: Call) -> Response:
    """Answer with a file."""
    name = call.names["file"]
    if name not in contents():
        raise Refusal(404, "there is no such file")
    is_current = call.names["version"] == version()
    headers = {"Cache-Control": FOR_A_YEAR if is_current else "no-store"}
    return Response(contents()[name], 200, headers, media_type=TYPES[name.rpartition(".")[2]])


@cache
def contents() -> Mapping[str, bytes]:
    """Return what is in each file, by its name."""
    here = files("pyasynq.web").joinpath("static").iterdir()
    kept = [each for each in here if each.name.rpartition(".")[2] in TYPES]
    return {each.name: each.read_bytes() for each in sorted(kept, key=lambda each: each.name)}


@cache
def version() -> str:
    """Return what changes whenever a file does; it is a part of the paths of all files."""
    return hashlib.sha256(b"".join(contents().values())).hexdigest()[:12]


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/static/{version}/{file}",
        summary="Style sheets, scripts and pictures.",
        handle=show_file,
        is_open=True,
    ),
)
