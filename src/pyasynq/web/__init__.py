"""The web UI and its REST API, for any ASGI server: `create_app`, and who may do what.

It needs the extra ``web``. Each name is loaded when it is first used, so that a missing extra is
told in plain words.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyasynq.web.access.basic import BasicAuth
    from pyasynq.web.access.passwords import hash_password
    from pyasynq.web.access.proxy_header import ProxyHeader
    from pyasynq.web.access.visitor import user_of
    from pyasynq.web.app import WebApp, create_app
    from pyasynq.web.wsgi import WsgiApp, as_wsgi

__all__ = [
    "BasicAuth",
    "ProxyHeader",
    "WebApp",
    "WsgiApp",
    "as_wsgi",
    "create_app",
    "hash_password",
    "user_of",
]

MISSING = "pyasynq.web needs the extra 'web'; run pip install 'pyasynq[web]'"

_HOMES = {
    "BasicAuth": "access.basic",
    "ProxyHeader": "access.proxy_header",
    "WebApp": "app",
    "WsgiApp": "wsgi",
    "as_wsgi": "wsgi",
    "create_app": "app",
    "hash_password": "access.passwords",
    "user_of": "access.visitor",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'pyasynq.web' has no attribute {name!r}")
    if any(find_spec(each) is None for each in ("starlette", "jinja2")):
        raise ImportError(MISSING)
    value = getattr(import_module(f"pyasynq.web.{_HOMES[name]}"), name)
    globals()[name] = value  # from now on found without this function
    return value


def __dir__() -> list[str]:
    return __all__
