"""The Redis of tests: one server per process, started on first use, and empty for each test."""

import atexit
import contextlib
import tempfile
from pathlib import Path

from pyasynq.connection.embedded.server import EmbeddedServer


def empty_redis() -> str:
    """Return the URL of the private Redis of this process, emptied; it starts on first use."""
    import redis  # noqa: PLC0415 - importing this module stays cheap

    if not _private:
        folder = tempfile.TemporaryDirectory(prefix="pyasynq-testing-")
        server = EmbeddedServer.acquire(directory=Path(folder.name))
        atexit.register(folder.cleanup)
        atexit.register(server.release)
        _private.append(server)
    url = f"unix://{_private[0].socket_path}?db=0"
    with contextlib.closing(redis.Redis.from_url(url, protocol=2)) as client:
        client.flushall()
    return url


_private: list[EmbeddedServer] = []
