"""A Go Asynq peer, built once for all test processes, and a workplace beside it."""

import fcntl
import subprocess
from collections.abc import AsyncIterator, Iterator
from hashlib import md5
from pathlib import Path

import pytest

from pyasynq.inspector.inspector_async import AsyncInspector
from tests.interop.peer import Peer

SOURCE = Path(__file__).parent / "go"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs Go; the first one waits for the build."""
    for item in items:
        if SOURCE.parent in item.path.parents:
            item.add_marker(pytest.mark.needs("go"))
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="session")
def peer_binary(tmp_path_factory) -> Path:
    folder = tmp_path_factory.getbasetemp().parent
    binary = folder / f"pyasynq-go-peer-{source_digest()}"
    with (folder / "pyasynq-go-peer.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            fresh = binary.with_suffix(".new")
            subprocess.run(["go", "build", "-o", str(fresh), "."], cwd=SOURCE, check=True)
            fresh.rename(binary)
    return binary


def source_digest() -> str:
    """Return a digest of the source: the folder of the binary may outlive this session."""
    source = b"".join(path.read_bytes() for path in sorted(SOURCE.iterdir()))
    return md5(source, usedforsecurity=False).hexdigest()


@pytest.fixture
def peer(peer_binary, redis_server, redis_url, tmp_path) -> Iterator[Peer]:
    peer = Peer(peer_binary, f"127.0.0.1:{redis_server.port}", tmp_path)
    yield peer
    peer.close()


@pytest.fixture
async def inspector(redis_url) -> AsyncIterator[AsyncInspector]:
    async with AsyncInspector(redis_url) as inspector:
        yield inspector
