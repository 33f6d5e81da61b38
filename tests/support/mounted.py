"""Applications in other frameworks, each with the web UI at /monitoring and a page of its own."""

from collections.abc import Callable
from typing import Any

import flask
import litestar
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from pyasynq.web import WebApp, WsgiApp
from tests.support import django_project

HOME = django_project.HOME
ROOT = "/monitoring"


def in_starlette(app: WebApp) -> Any:
    home = Route("/", lambda _request: PlainTextResponse(HOME))
    return Starlette(routes=[home, Mount(ROOT, app)])


def in_fastapi(app: WebApp) -> Any:
    api = FastAPI(openapi_url=None)
    api.add_route("/", lambda _request: PlainTextResponse(HOME))
    api.mount(ROOT, app)
    return api


def in_litestar(app: WebApp) -> Any:
    @litestar.get("/", sync_to_thread=False)
    def home() -> str:
        return HOME

    monitoring: Any = litestar.asgi(ROOT, is_mount=True, copy_scope=True)(app)
    return litestar.Litestar([home, monitoring], logging_config=None, openapi_config=None)


def in_django(app: WebApp) -> Any:
    """As an `asgi.py` does it."""
    django_project.set_up()
    pages: Any = ASGIHandler()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        is_ours = f"{scope.get('path', '')}/".startswith(f"{ROOT}/")
        await (app if is_ours else pages)(scope, receive, send)

    return application


def in_flask(app: WsgiApp) -> Any:
    """As its documentation says."""
    shop = flask.Flask("shop")
    shop.add_url_rule("/", view_func=lambda: HOME)
    shop.wsgi_app = DispatcherMiddleware(shop.wsgi_app, {ROOT: app})  # type: ignore[method-assign]
    return shop


def in_django_wsgi(app: WsgiApp) -> Any:
    """As a `wsgi.py` does it."""
    django_project.set_up()
    pages: Any = WSGIHandler()

    def application(environ: Any, start_response: Any) -> Any:
        is_ours = f"{environ['PATH_INFO']}/".startswith(f"{ROOT}/")
        return (app if is_ours else pages)(environ, start_response)

    return application


ASGI: tuple[Callable[[WebApp], Any], ...] = (in_starlette, in_fastapi, in_litestar, in_django)
WSGI: tuple[Callable[[WsgiApp], Any], ...] = (in_flask, in_django_wsgi)
OF_A_ROOT_PATH = (in_litestar, in_django, in_django_wsgi)
"""Those that do not tell where they mount something."""
