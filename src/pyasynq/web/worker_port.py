"""What the HTTP port of a worker answers: probes, and the web UI if that is wanted.

The port has a thread and an event loop of its own, so that it answers, and tells what is wrong,
while a handler blocks the loop of the worker.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from pyasynq.connection.connector import ConnectionSource
from pyasynq.web.app import WebApp, refusal_after
from pyasynq.web.hosting import follow_lifespan
from pyasynq.web.paths import placed
from pyasynq.web.refusal import Refusal
from pyasynq.web.rest.answers import answer, refused_in_text
from pyasynq.web.security import HEADERS

NOT_ALIVE = "the worker does not answer: its event loop does not turn"
NO_UI = "probes are at /healthz and /readyz; --ui shows the web UI here"


class Health(Protocol):
    """How a worker is; asked on the event loop of the port."""

    async def is_alive(self) -> bool:
        """Return whether its event loop turns; within a second."""

    async def why_not_ready(self) -> str:
        """Return why it does not take tasks as it should; empty if it does. Within a second."""


class WorkerPort:
    """An ASGI application.

    Args:
        health: of the worker.
        ui: the web UI; None for none.
        root_path: where a proxy shows it, as for `create_app`.
    """

    def __init__(
        self, health: Health, ui: "WebApp | LateUi | None", *, root_path: str = ""
    ) -> None:
        self._health = health
        self._ui = ui
        self._prefix = root_path.rstrip("/")
        self._served: dict[str, Callable[[], Awaitable[Response]]] = {
            "/healthz": self._alive,
            "/readyz": self._ready,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        path = placed(scope, self._prefix)[0] if scope["type"] == "http" else ""
        if path not in self._served and self._ui is not None:
            await self._ui(scope, receive, send)
        elif scope["type"] == "lifespan":
            await follow_lifespan(receive, send, _nothing)
        elif scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
        else:
            try:
                response = await self._answered(scope["method"], path)
            except Refusal as refusal:
                response = refused_in_text(refusal)
            await _send(response, scope, receive, send)

    def end_streams(self) -> None:
        """End the streams of the web UI."""
        if self._ui is not None:
            self._ui.end_streams()

    async def _answered(self, method: str, path: str) -> Response:
        if path not in self._served:
            raise Refusal(404, NO_UI)
        if method not in ("GET", "HEAD"):
            raise Refusal(405, headers={"Allow": "GET"})
        return await self._served[path]()

    async def _alive(self) -> Response:
        if not await self._health.is_alive():
            raise Refusal(503, NOT_ALIVE)
        return answer({"status": "ok"})

    async def _ready(self) -> Response:
        if why := await self._health.why_not_ready():
            raise Refusal(503, f"the worker is not ready: {why}")
        return answer({"status": "ok"})


class LateUi:
    """The web UI of a Redis that is known only when a worker has started, and may change then.

    Args:
        find: returns where Redis is, or raises a Refusal if nobody knows that at the moment.
        make: makes the web UI of a Redis.
    """

    def __init__(
        self, find: Callable[[], ConnectionSource], make: Callable[[ConnectionSource], WebApp]
    ) -> None:
        self._find = find
        self._make = make
        self._source: ConnectionSource = None
        self._app: WebApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await follow_lifespan(receive, send, self._close)
            return
        try:
            app = await self._current()
        except Exception as error:  # noqa: BLE001 - as of `WebApp`
            await _send(refused_in_text(refusal_after(error)), scope, receive, send)
        else:
            await app(scope, receive, send)

    def end_streams(self) -> None:
        """End the streams of the web UI."""
        if self._app is not None:
            self._app.end_streams()

    async def _current(self) -> WebApp:
        """Return the web UI of the Redis that is found now."""
        try:
            source = self._find()
        except Refusal:
            if self._app is None:
                raise
            return self._app
        if self._app is None or source != self._source:
            before, self._app, self._source = self._app, self._make(source), source
            if before is not None:
                await before.aclose()
        return self._app

    async def _close(self) -> None:
        if self._app is not None:
            await self._app.aclose()


async def _nothing() -> None:
    """Close nothing."""


async def _send(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    await response(scope, receive, send)
