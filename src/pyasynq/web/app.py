"""The ASGI application: from a request to its answer."""

import logging
import time
from collections.abc import Collection, Sequence
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from pyasynq.admin.redaction import Redactor
from pyasynq.app.clients import Clients
from pyasynq.connection.connector import ConnectionSource, Connector
from pyasynq.errors import ConfigError, PyasynqError
from pyasynq.options import name_fault
from pyasynq.web.access.gate import Access, Auth, Gate, auth_of
from pyasynq.web.access.refusal_log import RefusalLog
from pyasynq.web.access.roles import Role
from pyasynq.web.access.visitor import Visitor, address_of, user_of
from pyasynq.web.formatting import LENGTH, Formatter, Formatters, as_text
from pyasynq.web.hosting import follow_lifespan
from pyasynq.web.live.live import Live
from pyasynq.web.look import Look
from pyasynq.web.pages.rendering import refused as refused_on_page
from pyasynq.web.paths import placed
from pyasynq.web.questions import MOST_BYTES
from pyasynq.web.refusal import Refusal, refusal_of
from pyasynq.web.rest.answers import refused_in_json, refused_in_text
from pyasynq.web.routing import Call, Endpoint, Router
from pyasynq.web.security import HEADERS, LOOPBACK_HOSTS, host_fault, origin_fault
from pyasynq.web.service.examinations import Examinations
from pyasynq.web.service.guard import GUARD, Guard
from pyasynq.web.service.job_board import JobBoard
from pyasynq.web.service.queue_metrics import Scrapes
from pyasynq.web.service.service import Service
from pyasynq.web.settings import WebSettings
from pyasynq.web.table import endpoints

OPEN = (
    "everybody who reaches the web UI may change everything; give create_app an auth=… or an "
    "access=…, or read_only=True"
)
BROKEN = "something is wrong here; the log of this server tells what"
OURS = "/api/x/"  # below it, refusals are JSON
API = "/api/"  # below it, they are text, as in asynqmon; else they are pages
IN_TEXT = ("/healthz", "/readyz", "/metrics")  # asked by programs

logger = logging.getLogger("pyasynq.web")


class WebApp:
    """An ASGI application; made by `create_app`.

    Attributes:
        endpoints: everything that it answers.
        live: live updates and own sampling.
    """

    def __init__(self, connector: Connector, settings: WebSettings) -> None:
        self._settings = settings
        self._prefix = settings.root_path.rstrip("/")
        self._gate = Gate(auth_of(settings.auth), settings.access)
        self._clients = Clients(connector, None, max_payload_size=MOST_BYTES, enqueue_patience=0)
        self.live: Live = Live(
            self._clients.async_inspector, is_sampling=not settings.prometheus_url
        )
        formatters = Formatters(
            payload=settings.payload_formatter or as_text,
            result=settings.result_formatter or as_text,
            max_payload_length=settings.max_payload_length,
            max_result_length=settings.max_result_length,
        )
        self._look = Look(
            title=settings.title,
            badge=settings.badge,
            formatters=formatters,
            enqueue_enabled=settings.enqueue_enabled,
        )
        self._board = JobBoard(settings.bulk_limit)
        self._router = Router(endpoints(formatters, prometheus_url=settings.prometheus_url))
        self._examinations = Examinations(connector)
        self._scrapes = Scrapes() if settings.metrics else None
        self._refusals = RefusalLog(time.monotonic)
        self._has_warned = False

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """Everything that is answered, and what it needs."""
        return self._router.endpoints

    async def aclose(self) -> None:
        """End the jobs, streams and connections of the running event loop; safe to repeat.

        A server with a lifespan does it at its end; the next request opens new ones.
        """
        await self.live.aclose()
        await self._board.aclose()
        if self._scrapes is not None:
            await self._scrapes.aclose()
        await self._clients.aclose()
        self._gate.close()

    def end_streams(self) -> None:
        """End the streams of events, which a server would wait for that is to stop.

        Any thread may call it; safe to repeat.
        """
        self.live.end_streams()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        match scope["type"]:
            case "lifespan":
                await follow_lifespan(receive, send, self.aclose)
            case "websocket":
                await WebSocketClose(1000)(scope, receive, send)
            case _:
                await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, root = placed(scope, self._prefix)
        request = Request(dict(scope), receive)
        try:
            response = await self._answered(request, path, root)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not show itself
            refusal = refusal_after(error)
            self._note(request, path, refusal)
            response = self._refused(request, root, path, refusal)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    def _note(self, request: Request, path: str, refusal: Refusal) -> None:
        """Write down that somebody may not do something, or gave a wrong password."""
        is_login = refusal.status == HTTPStatus.UNAUTHORIZED and "authorization" in request.headers
        if is_login or refusal.status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
            self._refusals.add(
                name=user_of(request),
                address=address_of(request),
                asked=f"{request.method} {path}",
                reason=refusal.text,
            )

    def _refused(self, request: Request, root: str, path: str, refusal: Refusal) -> Response:
        """Return a refusal in the form in which the others at this path answer."""
        if path.startswith(OURS):
            return refused_in_json(refusal)
        if path.startswith(API) or path in IN_TEXT:
            return refused_in_text(refusal)
        return refused_on_page(request, root, path, self._look, refusal)

    async def _answered(self, request: Request, path: str, root: str) -> Response:
        """Return the answer to a request.

        Raises:
            Refusal: the visitor may not ask that, or there is nothing to be asked.
            PyasynqError: Redis or the data in it does not allow it.
        """
        if self._settings.allowed_hosts:
            _check(host_fault(request.headers.get("host", ""), self._settings.allowed_hosts))
        endpoint, names = self._router.find(request.method, path)
        visitor = await self._visitor(request, endpoint)
        guard = Guard(visitor, is_read_only=self._settings.read_only, method=request.method)
        request.scope[GUARD] = guard
        if not endpoint.is_open:
            guard.check(endpoint.action)
        if fault := next(filter(None, (name_fault(*each) for each in names.items())), None):
            raise Refusal(400, fault)
        inspector = await self._clients.async_inspector()
        service = Service(
            inspector,
            guard,
            self._settings.redactor,
            self._board,
            self._clients.async_client if self._settings.enqueue_enabled else None,
            examinations=self._examinations,
            live=self.live,
            prometheus_url=self._settings.prometheus_url,
            scrapes=self._scrapes,
        )
        if not (endpoint.is_open or path.startswith(API) or path in IN_TEXT):
            service.live.look()
        call = Call(
            request=request, names=names, service=service, root=root, path=path, look=self._look
        )
        return await endpoint.handle(call)

    async def _visitor(self, request: Request, endpoint: Endpoint) -> Visitor:
        """Return who sends a request to an endpoint."""
        if endpoint.is_open:
            return Visitor(name="", address=address_of(request), role=Role.NONE)
        _check(origin_fault(request.method, request.headers))
        visitor = await self._gate.visitor(request)
        if self._is_open and not self._has_warned and visitor.address not in LOOPBACK_HOSTS:
            self._has_warned = True
            logger.warning(OPEN)
        return visitor

    @property
    def _is_open(self) -> bool:
        return self._gate.is_open and not self._settings.read_only


def create_app(
    connection: ConnectionSource = None,
    *,
    root_path: str = "",
    read_only: bool = False,
    auth: Auth | tuple[str, str] | None = None,
    access: Access = "admin",
    allowed_hosts: Collection[str] = (),
    payload_formatter: Formatter | None = None,
    result_formatter: Formatter | None = None,
    max_payload_length: int | None = LENGTH,
    max_result_length: int | None = LENGTH,
    redactor: Redactor | None = None,
    prometheus_url: str = "",
    metrics: bool = True,
    bulk_limit: int | None = None,
    enqueue_enabled: bool = False,
    title: str = "pyasynq",
    badge: str = "",
) -> WebApp:
    """Make an ASGI application: the web UI, and the REST API of asynqmon and more below ``/api``.

    Mount it in an application of yours, or give it to an ASGI server. The connection to Redis is
    opened by the first request, on its event loop.

    Without *auth*, the application or the proxy in front of it decides who comes here.

    Args:
        connection: where Redis is, as for a client.
        root_path: where a proxy shows it, such as "/tasks"; the proxy may pass this on, or take it
            off. It is not needed if an application mounts it.
        read_only: whether nobody may change anything.
        auth: who somebody is: a pair of a name and the hash of a password, a `BasicAuth` for more
            users, a `ProxyHeader`, or a function that is given the request and returns a name, or
            None for nobody. Everybody may come here if it is not given.
        access: what they may do: "none", "read" (look), "operate" (and do what loses no data) or
            "admin" (and delete), a mapping of names to these, or a function that is given the
            request and returns one of them; `user_of` returns the name.
        allowed_hosts: what the Host of a request may be, without its port; anything if empty.
        payload_formatter: returns the text that the routes of asynqmon show for the type of a task
            and the bytes of its payload.
        result_formatter: the same for the bytes of its result.
        max_payload_length: how many characters of a payload are shown; None for no limit.
        max_result_length: the same of a result.
        redactor: hides what must not be shown, as `pyasynq.admin.redaction.SecretWords` does.
        prometheus_url: where Prometheus is, for the metrics.
        metrics: whether Prometheus may read at ``/metrics`` what is in the queues, as whoever has
            the role "read"; that needs the extra ``metrics``.
        bulk_limit: how many tasks one job may change; None for any number.
        enqueue_enabled: whether whoever has the role "admin" may enqueue tasks.
        title: the name of the web UI, as pages show it.
        badge: what it is the web UI of, such as "production"; pages show it beside the name.

    Raises:
        ConfigError: names everything that is wrong.
    """
    settings = WebSettings(
        root_path=root_path,
        read_only=read_only,
        auth=auth,
        access=access,
        allowed_hosts=allowed_hosts,
        payload_formatter=payload_formatter,
        result_formatter=result_formatter,
        max_payload_length=max_payload_length,
        max_result_length=max_result_length,
        redactor=redactor,
        prometheus_url=prometheus_url,
        metrics=metrics,
        bulk_limit=bulk_limit,
        enqueue_enabled=enqueue_enabled,
        title=title,
        badge=badge,
    )
    faults = [fault for fault in settings.faults() if fault]
    try:
        connector = Connector.of(connection)
    except ConfigError as error:
        raise ConfigError(*faults, *error.faults) from error
    if faults:
        connector.close()
    ConfigError.raise_if(faults)
    return WebApp(connector, settings)


def _check(fault: str | None) -> None:
    if fault:
        raise Refusal(403, fault)


def refusal_after(error: Exception) -> Refusal:
    """Return what is answered if an error stops a request; log one that nobody expects."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, PyasynqError):
        return refusal_of(error)
    logger.error("a request failed: %s", type(error).__name__, exc_info=error)
    return Refusal(500, BROKEN)
