"""The signals of a running server, which a test waits for instead of asking again and again.

They keep nothing: listen before you do what is to be announced, or wait with `until`, which looks
first. A wait that never ends is ended by the time limit of pytest.
"""

import asyncio

from pyasynq.lifecycle.signal import Signal
from pyasynq.worker.assembly import Parts
from pyasynq.worker.attempt.writes import Settled
from pyasynq.worker.server import Server


def fetched(server: Server) -> Signal[int]:
    """How many tasks each fetch brings."""
    return _parts(server).processor.fetched


def idle(server: Server) -> Signal[int]:
    """How many queues can wake the server, each time that it has nothing to do."""
    return _parts(server).processor.idle


def flushed(server: Server) -> Signal[list[Settled]]:
    """Which outcomes of each batch must be written again."""
    return _parts(server).finisher.flushed


async def drained(fetched: "asyncio.Queue[int]") -> None:
    """Wait until a fetch has brought something, and a later one nothing."""
    while not await fetched.get():
        pass
    while await fetched.get():
        pass


def _parts(server: Server) -> Parts:
    assert server._parts is not None, "the server does not run"
    return server._parts
