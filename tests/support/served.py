"""Serves an application to a browser, in a thread of this process."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from typing_extensions import override

from tests.support.eventually import eventually
from tests.support.ports import free_port


class _Server(uvicorn.Server):
    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def served(app: Any, **settings: Any) -> Iterator[str]:
    """Serve *app* around a block, as uvicorn does by default; the value is its URL."""
    listener = socket.create_server(("127.0.0.1", free_port()))
    server = _Server(uvicorn.Config(app, log_config=None, lifespan="on", **settings))
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), name="served"
    )
    thread.start()
    try:
        eventually(lambda: server.started or not thread.is_alive())
        assert server.started, "the application did not start"
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
