"""How a worker is, that of this process or several of others, as the HTTP port asks."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from pyasynq.cli.supervision.protocol import NOT_STARTED, Report
from pyasynq.cli.supervision.worker_process import WorkerProcess
from pyasynq.web.refusal import Refusal

if TYPE_CHECKING:
    from pyasynq.app.worker import AppWorker
    from pyasynq.connection.connector import ConnectionSource

SIGN_S = 0.8  # for a sign of life: whoever waits for a probe does so for a second
NO_SIGN = "its event loop does not turn"
ENDED = "it has ended, and starts again"
STOPPING = "it shuts down"
UNTOLD = "the worker has not started yet; its log tells more"
OWN_CLIENT = (
    "the App was given a redis-py client, so only its workers know where Redis is; name it with "
    "--redis-url"
)


class WorkerHealth:
    """How the worker of this process is."""

    def __init__(self, worker: "AppWorker") -> None:
        self._worker = worker
        self._loop: asyncio.AbstractEventLoop | None = None

    def take_over(self) -> None:
        """Note the event loop of the worker; called on it."""
        self._loop = asyncio.get_running_loop()

    async def is_alive(self) -> bool:
        """Return whether the event loop of the worker turns, or has not begun to, or has ended."""
        if self._loop is None:
            return True
        sign: Future[None] = Future()
        sign.set_running_or_notify_cancel()
        try:
            self._loop.call_soon_threadsafe(sign.set_result, None)
        except RuntimeError:  # it is closed: the process is about to end
            return True
        waiting = asyncio.wrap_future(sign)
        await asyncio.wait([waiting], timeout=SIGN_S)
        return waiting.done()

    async def why_not_ready(self) -> str:
        """Return why the worker does not take tasks as it should; empty if it does."""
        return self._worker.server.why_not_ready if await self.is_alive() else NO_SIGN


class ProcessesHealth:
    """How several processes are together; asked on an event loop of any thread.

    Args:
        processes: returns them, None for one that is to be started again.
        is_stopping: returns whether they were told to stop.
    """

    def __init__(
        self,
        processes: Callable[[], Sequence[WorkerProcess | None]],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._processes = processes
        self._is_stopping = is_stopping

    async def is_alive(self) -> bool:
        """Return whether the event loop of every process turns that has started."""
        faults = await asyncio.gather(*map(_why_not_ready, self._processes()))
        return NO_SIGN not in faults

    async def why_not_ready(self) -> str:
        """Return why one of them does not take tasks as it should; empty if all do."""
        if self._is_stopping():
            return STOPPING
        faults = await asyncio.gather(*map(_why_not_ready, self._processes()))
        if len(faults) == 1:
            return faults[0]
        return "; ".join(f"process {n}: {why}" for n, why in enumerate(faults, 1) if why)


def redis_of(processes: Iterable[WorkerProcess | None]) -> "ConnectionSource":
    """Return where the Redis of worker processes is.

    Raises:
        Refusal: none of them has told it yet, or can.
    """
    started = next((told for each in processes if (told := each and each.started)), None)
    if started is None:
        # Whoever opens the page at once sees it as soon as there is one.
        raise Refusal(503, UNTOLD, headers={"Retry-After": "1", "Refresh": "1"})
    if started.has_own_client:
        raise Refusal(503, OWN_CLIENT)
    return started.redis


async def _why_not_ready(process: WorkerProcess | None) -> str:
    if process is None:
        return ENDED
    asked: asyncio.Future[Report] = asyncio.wrap_future(process.ask())
    await asyncio.wait([asked], timeout=SIGN_S)
    if asked.done():
        return asked.result().why_not_ready
    return NOT_STARTED if process.started is None else NO_SIGN
