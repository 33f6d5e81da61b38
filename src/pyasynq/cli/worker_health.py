"""How a worker is, that of this process or several of others, as the HTTP port asks."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pyasynq.cli.supervision.protocol import Report
from pyasynq.cli.supervision.worker_process import WorkerProcess
from pyasynq.clock import NANOSECONDS, SystemClock, to_datetime
from pyasynq.lifecycle.health import Condition, Health, HealthCheck, loading
from pyasynq.web.refusal import Refusal

if TYPE_CHECKING:
    from pyasynq.app import App
    from pyasynq.app.worker import AppWorker
    from pyasynq.connection.connector import ConnectionSource

SIGN_S = 0.8  # for a sign of life: whoever waits for a probe does so for a second
# A plain call on the loop may take seconds. A process that does so for longer does not recover.
LIFELESS_S = 10.0
NO_SIGN = "its event loop does not turn"
ABOUT_TO_START = "it does not run, and is about to start"
STOPPING = "it shuts down"
UNTOLD = "the worker has not started yet; its log tells more"
OWN_CLIENT = (
    "the App was given a redis-py client, so only its workers know where Redis is; name it with "
    "--redis-url"
)


class WorkerHealth:
    """How the worker of this process is, which may have none yet."""

    def __init__(self) -> None:
        self._worker: AppWorker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loading = loading(SystemClock())
        self._turning = Condition("loop", SystemClock())
        self._sign: Future[None] | None = None  # asked for, and not given yet
        self._asked_at = 0.0  # monotonic

    def watch(self, worker: "AppWorker") -> None:
        """Note the worker of this process; called before it starts."""
        self._worker = worker

    def take_over(self) -> None:
        """Note the event loop of the worker; called on it."""
        self._loop = asyncio.get_running_loop()

    async def liveness(self) -> list[Health]:
        """Return whether the event loop turns, or has not begun to, or has ended."""
        silent_s = await self._silent_s()
        return [Health(checks=(alive(self._turning, silent_s),))]

    async def readiness(self) -> list[Health]:
        """Return whether the worker takes tasks as it should."""
        if self._worker is None:
            return [Health(checks=(self._loading.check,))]
        loop = turning(self._turning, await self._silent_s())
        return [self._worker.health().having([loop])]

    async def _silent_s(self) -> float:
        """Return for how many seconds the loop has owed a sign of life; 0 if it gives one."""
        if self._loop is None:
            return 0.0
        if self._sign is None or self._sign.done():
            self._asked_at, self._sign = time.monotonic(), Future()
            self._sign.set_running_or_notify_cancel()
            try:
                self._loop.call_soon_threadsafe(self._sign.set_result, None)
            except RuntimeError:  # it is closed: the process is about to end
                self._sign = None
                return 0.0
        asked_at, waiting = self._asked_at, asyncio.wrap_future(self._sign)
        await asyncio.wait([waiting], timeout=SIGN_S)
        return 0.0 if waiting.done() else time.monotonic() - asked_at


class ProcessesHealth:
    """How several processes are; asked on an event loop of any thread.

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
        self._conditions: dict[tuple[str, int], Condition] = {}

    async def liveness(self) -> list[Health]:
        """Return whether the event loop of every process turns that has started.

        Nobody asks processes that were told to stop: they end, or are killed, without a probe, and
        the port closes with the last one, so that who waited for it would get no answer.
        """
        processes = self._processes()
        if not self._is_stopping():
            await asyncio.gather(*map(_report, processes))
        return [
            Health(checks=(alive(self._condition("loop", number), _silent_s(process)),))
            for number, process in enumerate(processes, 1)
        ]

    async def readiness(self) -> list[Health]:
        """Return whether each of them takes tasks as it should."""
        stopping = self._condition("fetching")
        if self._is_stopping():
            stopping.fails(STOPPING)
            return [Health(checks=(stopping.check,))]
        processes = self._processes()
        reports = await asyncio.gather(*map(_report, processes))
        return [
            self._health_of(number, process, report)
            for number, (process, report) in enumerate(zip(processes, reports, strict=True), 1)
        ]

    def _health_of(
        self, number: int, process: WorkerProcess | None, report: Report | None
    ) -> Health:
        running = self._condition("running", number)
        if process is None:
            running.fails(ABOUT_TO_START)
            return Health(checks=(running.check,))
        running.passes()
        # An answer that has come meanwhile came too late.
        silent_s = 0.0 if report is not None else process.silent_s or SIGN_S
        loop = turning(self._condition("loop", number), silent_s)
        if report is not None:
            return report.health
        loads = self._condition("started", number)
        if process.started is None:
            loads.fails(loading(SystemClock()).check.detail)
            return Health(checks=(loads.check,))
        loads.passes()
        return Health(checks=(loop,))

    def _condition(self, name: str, number: int = 0) -> Condition:
        key = name, number
        if key not in self._conditions:
            self._conditions[key] = Condition(name, SystemClock())
        return self._conditions[key]


def turning(condition: Condition, silent_s: float) -> HealthCheck:
    """Return whether a loop turns that has owed a sign of life for *silent_s*; 0 is not at all."""
    if not silent_s:
        condition.passes()
        return condition.check
    condition.fails(NO_SIGN)
    since = to_datetime(SystemClock.now_ns() - int(silent_s * NANOSECONDS))
    return replace(condition.check, since=since)


def alive(condition: Condition, silent_s: float) -> HealthCheck:
    """Return whether a loop is alive that has owed a sign of life for *silent_s*."""
    found = turning(condition, silent_s)
    if found.ok or silent_s >= LIFELESS_S:
        return found
    return replace(found, ok=True, detail=f"it has not turned for {silent_s:.1f} s")


def source_of(apps: Sequence["App"]) -> "ConnectionSource":
    """Return where the Redis of the first App is.

    Raises:
        Refusal: none is loaded yet.
    """
    if not apps:
        raise _untold()
    return apps[0].source


def redis_of(processes: Iterable[WorkerProcess | None]) -> "ConnectionSource":
    """Return where the Redis of worker processes is.

    Raises:
        Refusal: none of them has told it yet, or can.
    """
    started = next((told for each in processes if (told := each and each.started)), None)
    if started is None:
        raise _untold()
    if started.has_own_client:
        raise Refusal(503, OWN_CLIENT)
    return started.redis


def _untold() -> Refusal:
    # Whoever opens the page at once sees it as soon as there is one.
    return Refusal(503, UNTOLD, headers={"Retry-After": "1", "Refresh": "1"})


async def _report(process: WorkerProcess | None) -> Report | None:
    """Return what a process tells of itself; None if it does not, or there is none."""
    if process is None:
        return None
    asked: asyncio.Future[Report] = asyncio.wrap_future(process.ask())
    await asyncio.wait([asked], timeout=SIGN_S)
    return asked.result() if asked.done() else None


def _silent_s(process: WorkerProcess | None) -> float:
    """Return for how long a process has owed a report; 0 if it has none to give yet."""
    return 0.0 if process is None or process.started is None else process.silent_s
