"""The web UI as a part of a Flask application, behind its logins."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.wrappers import Response as AnyResponse

from pyasynq.app import App
from pyasynq.errors import ConfigError

if TYPE_CHECKING:
    from pyasynq.web import WsgiApp
    from pyasynq.web.access.gate import Access

Auth = Callable[[], str | AnyResponse | None]
"""Returns the name of who sends the request; None for nobody; or what to answer instead."""

VISITOR = "pyasynq.visitor"  # in the environment of WSGI, where no header can get
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def mount_web_ui(
    flask: Flask,
    path: str,
    app: App,
    *,
    auth: Auth | None,
    access: "Access" = "read",
    **settings: Any,
) -> "WsgiApp":
    """Mount the web UI of *app* at *path*; it needs the extra ``web``.

    It is a route of the application: functions that run before each request apply to it.

    Args:
        auth: who a visitor is: a function that is called in the request, where ``session`` and
            the like are, and returns a name, None for nobody, or a response, such as a redirect
            to your login. None only if something else lets nobody come here.
        access: what visitors may do; they may look if it is not given.
        settings: any other argument of `pyasynq.web.create_app`.

    Returns:
        What answers; its `close` ends its thread, which a process that ends need not call. It is
        in ``flask.extensions`` too, as "pyasynq_web_ui_monitoring" for this path.

    Raises:
        ConfigError: names everything that is wrong, or a2wsgi is missing.
        ImportError: the extra ``web`` is missing.
    """
    from pyasynq.contrib.web_ui import WebUi  # noqa: PLC0415 - it needs an extra
    from pyasynq.web import as_wsgi  # noqa: PLC0415 - as above

    if not path.startswith("/") or path == "/":
        raise ConfigError(f"mount the web UI at a path such as '/monitoring', not {path!r}")
    root = path.rstrip("/")
    visitor = None if auth is None else _visitor
    wsgi = as_wsgi(WebUi(app, {"auth": visitor, "access": access, **settings}))

    def view(**_path: str) -> AnyResponse:
        environ = dict(request.environ)
        if auth is not None:
            found = auth()
            if isinstance(found, AnyResponse):
                return found
            environ[VISITOR] = found
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + root
        environ["PATH_INFO"] = environ.get("PATH_INFO", "")[len(root) :]
        return Response.from_app(wsgi, environ)

    name = f"pyasynq_web_ui_{root.strip('/')}".replace("/", "_").replace(".", "_")
    flask.extensions[name] = wsgi
    flask.add_url_rule(f"{root}/", name, view, methods=METHODS, provide_automatic_options=False)
    flask.add_url_rule(
        f"{root}/<path:rest>", name, view, methods=METHODS, provide_automatic_options=False
    )
    return wsgi


def _visitor(asked: Any) -> str | None:
    """Return whom the view has found, in the request as the web UI gets it."""
    name: str | None = asked.scope["wsgi_environ"].get(VISITOR)
    return name
