"""The web UI for servers of WSGI, through a2wsgi."""

import asyncio
import os
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from starlette.types import Receive, Scope, Send

from pyasynq.errors import ConfigError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

MISSING = "as_wsgi needs a2wsgi; run pip install a2wsgi"
NOT_UTF_8 = b"the path is not UTF-8\n"
CLOSE_S = 2.0


class Served(Protocol):
    """What a WSGI application is made of: a WebApp, or what stands around one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""


class WsgiApp:
    """A WSGI application; made by `as_wsgi`."""

    def __init__(self, app: Served, middleware: Any) -> None:
        self._app = app
        self._middleware = middleware
        self._loops: dict[int, asyncio.AbstractEventLoop] = {}  # by process

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request."""
        if not _is_utf_8(environ):  # a2wsgi would raise
            headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(NOT_UTF_8)))]
            start_response("400 Bad Request", headers)
            return [NOT_UTF_8]
        answer: Iterable[bytes] = self._middleware(self._app, loop=self._loop())(
            environ, start_response
        )
        # Flask and others never read the body of a HEAD, and a2wsgi would leave its task behind.
        return list(answer) if environ["REQUEST_METHOD"] == "HEAD" else answer

    def close(self) -> None:
        """Close the connections of this process, and end its thread; safe to repeat.

        The next request opens new ones. A process that ends need not call it.
        """
        loop = self._loops.pop(os.getpid(), None)
        if loop is None:
            return
        closing = asyncio.run_coroutine_threadsafe(self._app.aclose(), loop)
        closing.add_done_callback(lambda _closed: loop.call_soon_threadsafe(loop.stop))
        closing.result(CLOSE_S)

    def _loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop of this process; a thread of a parent process is not here."""
        pid = os.getpid()
        if (known := self._loops.get(pid)) is not None:
            return known
        made = asyncio.new_event_loop()
        loop = self._loops.setdefault(pid, made)
        if loop is made:
            threading.Thread(target=_run, args=(loop,), name="pyasynq wsgi", daemon=True).start()
        else:  # another thread was faster
            made.close()
        return loop


def as_wsgi(app: Served) -> WsgiApp:
    """Make a WSGI application of what `create_app` has made, for Flask, Django and the like.

    A thread with an event loop answers; the first request starts it, in each process, so that a
    server may load the application and then fork.

    Args:
        app: what `create_app` returned.

    Raises:
        ConfigError: a2wsgi is not installed.
    """
    try:
        from a2wsgi import ASGIMiddleware  # noqa: PLC0415 - few need it
    except ImportError as error:
        raise ConfigError(MISSING) from error
    return WsgiApp(app, ASGIMiddleware)


def _is_utf_8(environ: "WSGIEnvironment") -> bool:
    try:
        for name in ("SCRIPT_NAME", "PATH_INFO"):
            environ.get(name, "").encode("latin-1").decode()
    except UnicodeError:
        return False
    return True


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()
