"""What the HTTP port of a worker answers: probes, metrics, and the web UI if that is wanted.

The port has a thread and an event loop of its own, so that it answers, and tells what is wrong,
while a handler blocks the loop of the worker.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import to_builtins
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from pyasynq.connection.connector import ConnectionSource
from pyasynq.lifecycle.health import Health
from pyasynq.measurements.reading import Reading
from pyasynq.metrics import NO_METRICS, has_extra
from pyasynq.web.app import WebApp, refusal_after
from pyasynq.web.hosting import follow_lifespan
from pyasynq.web.paths import placed
from pyasynq.web.refusal import Refusal
from pyasynq.web.rest.answers import JSON, in_json, refused_in_text
from pyasynq.web.security import HEADERS

NO_UI = "probes are at /healthz and /readyz, metrics at /metrics; --ui shows the web UI here"


class HealthOfProcesses(Protocol):
    """How the processes of a worker are; asked on the event loop of the port."""

    async def liveness(self) -> Sequence[Health]:
        """Return, for each process, whether it is alive; within a second."""

    async def readiness(self) -> Sequence[Health]:
        """Return, for each process, whether it takes tasks as it should; within a second."""


class Measured(Protocol):
    """What a worker has measured; asked on the event loop of the port."""

    @property
    def is_of_this_process(self) -> bool:
        """Whether the CPU and the memory of this process are those of the worker."""

    async def readings(self) -> Sequence[Reading]:
        """Return it; within a second."""


class WorkerPort:
    """An ASGI application.

    Args:
        health: of the worker.
        measured: what it has measured.
        ui: the web UI; None for none.
        root_path: where a proxy shows it, as for `create_app`.
    """

    def __init__(
        self,
        health: HealthOfProcesses,
        measured: Measured,
        ui: "WebApp | LateUi | None",
        *,
        root_path: str = "",
    ) -> None:
        self._health = health
        self._measured = measured
        self._ui = ui
        self._prefix = root_path.rstrip("/")
        self._served: dict[str, Callable[[Headers], Awaitable[Response]]] = {
            "/healthz": self._alive,
            "/readyz": self._ready,
            "/metrics": self._metrics,
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
                response = await self._answered(scope, path)
            except Refusal as refusal:
                response = refused_in_text(refusal)
            await _send(response, scope, receive, send)

    def end_streams(self) -> None:
        """End the streams of the web UI."""
        if self._ui is not None:
            self._ui.end_streams()

    async def _answered(self, scope: Scope, path: str) -> Response:
        if path not in self._served:
            raise Refusal(404, NO_UI)
        if scope["method"] not in ("GET", "HEAD"):
            raise Refusal(405, headers={"Allow": "GET"})
        return await self._served[path](Headers(scope=scope))

    async def _alive(self, _headers: Headers) -> Response:
        return probed(await self._health.liveness(), failure="not alive")

    async def _ready(self, _headers: Headers) -> Response:
        return probed(await self._health.readiness(), failure="not ready")

    async def _metrics(self, headers: Headers) -> Response:
        if not has_extra():
            raise Refusal(501, NO_METRICS)
        from pyasynq.web.scrapes import scraped_worker  # noqa: PLC0415 - an extra

        measured = self._measured
        readings = await measured.readings()
        return scraped_worker(headers, readings, has_process=measured.is_of_this_process)


def probed(processes: Sequence[Health], *, failure: str) -> Response:
    """Return the answer to a probe: JSON that is readable for people, too, a line for each check.

    Args:
        processes: how each of them is.
        failure: the status that is told, with code 503, if a check fails.
    """
    numbered = [
        ({} if len(processes) == 1 else {"process": number}, health)
        for number, health in enumerate(processes, 1)
    ]
    reasons = [
        f"process {where['process']}: {health.why_not_ready}" if where else health.why_not_ready
        for where, health in numbered
        if not health.is_ready
    ]
    status = {"status": failure, "reason": "; ".join(reasons)} if reasons else {"status": "ok"}
    checks = [where | to_builtins(each) for where, health in numbered for each in health.checks]
    lines = ",\n".join(f"  {in_json(each).decode().strip()}" for each in checks)
    head = in_json(status).decode().strip().removesuffix("}")
    body = f'{head},"checks":[\n{lines}\n]}}\n'
    return Response(body, 503 if reasons else 200, media_type=JSON)


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
