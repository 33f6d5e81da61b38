"""What type checkers must accept and refuse of `pyasynq.web`."""

from wsgiref.types import WSGIApplication

from starlette.requests import Request
from starlette.routing import Mount

from pyasynq.admin.redaction import SecretWords
from pyasynq.web import (
    BasicAuth,
    ProxyHeader,
    WebApp,
    as_wsgi,
    create_app,
    hash_password,
    user_of,
)


async def known(request: Request) -> str | None:
    return request.headers.get("x-user")


def role(request: Request) -> str:
    return "admin" if user_of(request) == "ann" else "read"


app: WebApp = create_app("redis://localhost", read_only=True)
Mount("/monitoring", app)
wsgi: WSGIApplication = as_wsgi(app)
as_wsgi("redis://localhost")  # error
create_app(auth=BasicAuth({"ann": hash_password("right")}), access={"ann": "admin"})
create_app(auth=ProxyHeader("X-User", trusted=["10.0.0.7"]), access="read")
create_app(auth=("ann", "scrypt$"), access=role, redactor=SecretWords())
create_app(auth=known, payload_formatter=lambda kind, data: f"{kind} {len(data)}")
create_app(auth="ann")  # error
create_app(access="boss")  # error
create_app(payload_formatter=len)  # error
