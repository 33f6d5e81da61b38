"""An exporter: a small HTTP server that answers scrapes of a registry, and nothing else."""

import contextlib
import logging
import socket
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from typing_extensions import override

from pyasynq.metrics.exposition import exposition
from pyasynq.shown import shown

SILENCE_S = 3.0  # of a visitor, before the connection is closed
MOST_VISITORS = 64
WHERE = b"metrics are at /metrics\n"

logger = logging.getLogger("pyasynq.metrics")


def registry_of(*collectors: Collector) -> CollectorRegistry:
    """Return a registry of *collectors*, and of this process and its Python."""
    registry = CollectorRegistry()
    for each in (*collectors, *process_collectors()):
        registry.register(each)
    return registry


def process_collectors() -> list[Collector]:
    """Return what collects the CPU, the memory and the files of this process, and its Python."""
    nowhere = CollectorRegistry()  # they insist on one
    return [
        ProcessCollector(registry=nowhere),
        PlatformCollector(registry=nowhere),
        GCCollector(registry=nowhere),
    ]


@contextlib.contextmanager
def exporting(registry: CollectorRegistry, listener: socket.socket) -> Iterator[None]:
    """Answer scrapes around a block, in threads."""
    server = _Server(registry, listener)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


class _Server(ThreadingHTTPServer):
    """Serves a listener that is somebody else's; nobody waits for visitors at the end."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, registry: CollectorRegistry, listener: socket.socket) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.registry = registry
        self._places = BoundedSemaphore(MOST_VISITORS)

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    @override
    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("a visitor went away")


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    timeout = SILENCE_S
    server: _Server

    def do_GET(self) -> None:
        """Answer a request for what is here."""
        match urlsplit(self.path).path:
            case "/metrics":
                self._scraped()
            case "/healthz":
                self._say(HTTPStatus.OK, b"ok\n")
            case "/":
                self._say(HTTPStatus.OK, WHERE)
            case _:
                self._say(HTTPStatus.NOT_FOUND, WHERE)

    do_HEAD = do_GET  # noqa: N815 - as http.server calls it

    def _scraped(self) -> None:
        accept = ",".join(self.headers.get_all("Accept", []))
        encoding = ",".join(self.headers.get_all("Accept-Encoding", []))
        try:
            found = exposition(self.server.registry, accept=accept, accept_encoding=encoding)
        except Exception:
            logger.exception("a scrape failed")
            self._say(HTTPStatus.INTERNAL_SERVER_ERROR, b"the scrape failed; the log tells why\n")
            return
        self._say(HTTPStatus.OK, found.body, **found.headers)

    def _say(self, status: HTTPStatus, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "text/plain; charset=utf-8"} | headers).items():
            self.send_header(name, value)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    @override
    def version_string(self) -> str:
        return "pyasynq"

    @override
    def log_message(self, format: str, *args: Any) -> None:
        logger.debug("%s asked: %s", self.address_string(), shown(format % args))
