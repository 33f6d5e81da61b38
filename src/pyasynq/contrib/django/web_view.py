"""A view of Django that is the web UI, under WSGI and ASGI alike.

The request is passed on through a2wsgi to the application of `pyasynq.web`, which has an event loop
in a thread of its own.
"""

from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.encoding import iri_to_uri

from pyasynq.connection.connector import ConnectionSource
from pyasynq.contrib.django.project import project_app
from pyasynq.contrib.django.settings import Settings
from pyasynq.errors import ConfigError

USER, ROLE = "pyasynq.user", "pyasynq.role"
WITHOUT_BODY = (204, 304)
KEPT = ("CONTENT_TYPE", "REQUEST_METHOD", "RAW_URI", "REQUEST_URI", "SERVER_PROTOCOL")
MISSING = "The web UI is not installed; run pip install 'pyasynq[django,web]'\n"


def answer(request: HttpRequest, *, role: str, root: str) -> Any:
    """Return what the web UI answers.

    Args:
        role: of the user in the web UI.
        root: path under which it is shown, without a slash at its end.
    """
    try:
        application = web_application(project_app().source, root)
    except ImportError:
        return HttpResponse(MISSING, status=501, content_type="text/plain")
    environment = _environment(request, role)
    head: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        head[:] = [int(status.partition(" ")[0]), headers]

    chunks = application(environment, start_response)
    first = next(chunks, b"")  # then the head is known, too
    status, headers = head
    names = {name.lower() for name, _value in headers}
    is_whole = "content-length" in names or status in WITHOUT_BODY or request.method == "HEAD"
    return _response(status, headers, _all(first, chunks), is_whole=is_whole)


@lru_cache(maxsize=8)
def web_application(source: ConnectionSource, root: str) -> Any:
    """Return the web UI as an application of WSGI.

    Raises:
        ImportError: what it needs is not installed.
        ConfigError: PYASYNQ['WEB'] has a wrong argument.
    """
    import a2wsgi  # noqa: F401, PLC0415 - as_wsgi needs it; an ImportError says so here

    from pyasynq.web import as_wsgi, create_app  # noqa: PLC0415 - an extra

    web = Settings.of_project().web
    try:
        app = create_app(source, root_path=root, auth=_user, access=_role, **web)
    except TypeError as error:
        raise ConfigError(f"PYASYNQ['WEB']: {error}") from error
    return as_wsgi(app)


def _user(request: Any) -> str:
    name: str = request.scope["wsgi_environ"][USER]
    return name


def _role(request: Any) -> str:
    role: str = request.scope["wsgi_environ"][ROLE]
    return role


def _environment(request: HttpRequest, role: str) -> dict[str, Any]:
    """Return what a server of WSGI would tell of a request, whatever server there is."""
    meta = request.META
    found = {
        name: value
        for name, value in meta.items()
        if name.startswith(("HTTP_", "REMOTE_", "SERVER_")) or name in KEPT
    }
    raw_path = getattr(request, "scope", {}).get("raw_path")
    if raw_path:  # of a server of ASGI
        found["RAW_URI"] = raw_path.decode("latin-1")
    body = request.body
    return {
        "SERVER_PROTOCOL": "HTTP/1.1",
        **found,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.encode().decode("latin-1"),
        "QUERY_STRING": iri_to_uri(meta.get("QUERY_STRING", "")),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "wsgi.url_scheme": request.scheme,
        USER: request.user.get_username(),
        ROLE: role,
    }


def _all(first: bytes, rest: Any) -> Iterator[bytes]:
    try:
        yield first
        yield from rest
    finally:
        rest.close()


def _response(
    status: int, headers: list[tuple[str, str]], chunks: Iterator[bytes], *, is_whole: bool
) -> Any:
    response: Any = (
        HttpResponse(b"".join(chunks), status=status)
        if is_whole
        else StreamingHttpResponse(chunks, status=status)
    )
    # Django would mail the admins of each 503, with which the web UI refuses live events.
    response._has_been_logged = True  # noqa: SLF001 - as Django's own handlers do
    del response["Content-Type"]  # the web UI tells it, or there is none
    for name, value in headers:
        if name.lower() == "set-cookie":
            response.cookies.load(value)
        else:
            response[name] = value
    return response
