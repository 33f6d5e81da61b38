"""The guide to the web UI: its code mounts it; that it answers there is shown in tests/web."""

from functools import partial

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from fastapi import FastAPI
from flask import Flask
from litestar import Litestar, asgi
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from pyasynq.web import BasicAuth, as_wsgi, create_app, hash_password, user_of

users = {"ann": hash_password("nails and screws")}


def test_in_fastapi():
    api = FastAPI()
    api.mount("/monitoring", create_app("redis://localhost", read_only=True))

    assert "/monitoring" in [each.path for each in api.routes]


def test_with_users_and_roles():
    def role(request):
        return "admin" if user_of(request) == "ann" else "read"

    app = create_app("redis://localhost", auth=BasicAuth(users), access=role)

    assert callable(app)


def test_in_litestar(monkeypatch):
    without_logging = partial(Litestar, logging_config=None)  # which would start a thread
    monkeypatch.setitem(globals(), "Litestar", without_logging)
    monitoring = create_app("redis://localhost", root_path="/monitoring")
    app = Litestar([asgi("/monitoring", is_mount=True, copy_scope=True)(monitoring)])

    assert any("/monitoring" in each.path for each in app.routes)


async def test_in_django(monkeypatch):
    asked = []

    async def page(scope, receive, send):
        asked.append(scope["path"])

    monkeypatch.setitem(globals(), "get_asgi_application", lambda: page)
    pages = get_asgi_application()
    monitoring = create_app("redis://localhost", root_path="/monitoring", auth=BasicAuth(users))

    async def application(scope, receive, send):
        is_ours = f"{scope.get('path', '')}/".startswith("/monitoring/")
        await (monitoring if is_ours else pages)(scope, receive, send)

    await application({"path": "/monitors"}, None, None)

    assert asked == ["/monitors"]


def test_under_wsgi(monkeypatch):
    monitoring = as_wsgi(create_app("redis://localhost", auth=BasicAuth(users)))
    app = Flask("shop")
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/monitoring": monitoring})
    monkeypatch.setitem(globals(), "get_wsgi_application", lambda: lambda *_asked: [b"a page"])
    pages = get_wsgi_application()

    def application(environ, start_response):
        is_ours = f"{environ['PATH_INFO']}/".startswith("/monitoring/")
        return (monitoring if is_ours else pages)(environ, start_response)

    assert application({"PATH_INFO": "/monitors"}, None) == [b"a page"]
