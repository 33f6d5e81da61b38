"""A real worker in the background of a test."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator

from pyasynq.app.app import App
from pyasynq.app.harness.places import private_place
from pyasynq.app.worker import AppWorker
from pyasynq.inspector import Inspector
from pyasynq.options import Duration, to_seconds

LOOK_AGAIN_S = 0.02


class RunningWorker:
    """A worker that runs in a thread of this process; made by `running_worker`.

    Attributes:
        url: of its Redis, which is private to the block.
        worker: the worker itself, such as for `AppWorker.health`.
    """

    def __init__(self, url: str, worker: AppWorker) -> None:
        self.url = url
        self.worker = worker
        self._has_started = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._is_over: asyncio.Event
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="pyasynq worker of a test")

    def until_idle(self, timeout: Duration = 10) -> None:
        """Wait until no task is pending or running; scheduled ones, retries and groups may be left.

        Args:
            timeout: for how long, in real time.

        Raises:
            AssertionError: there are still some.
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        end, looks = time.monotonic() + to_seconds(timeout), 0
        with Inspector(self.url) as inspector:
            # Twice: a task may move between queues while one look goes on.
            while looks < 2:  # noqa: PLR2004 - as said
                infos = inspector.queues.infos()
                left = {each.queue: each.pending + each.active for each in infos}
                looks = 0 if any(left.values()) else looks + 1
                if looks == 0 and time.monotonic() >= end:
                    counts = ", ".join(f"{left[name]} in {name!r}" for name in left if left[name])
                    raise AssertionError(f"tasks are still pending or running: {counts}")
                time.sleep(LOOK_AGAIN_S)

    def start(self) -> None:
        """Start it, and wait until it works; raises what keeps it from that."""
        self._thread.start()
        self._has_started.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error

    def stop(self) -> None:
        """Shut it down, and wait for its end; raises what it failed with."""
        with contextlib.suppress(RuntimeError):  # its loop is closed, since the worker failed
            self._loop.call_soon_threadsafe(self._is_over.set)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised in the thread of the test
            self._error = error
        finally:
            self._has_started.set()

    async def _serve(self) -> None:
        self._loop, self._is_over = asyncio.get_running_loop(), asyncio.Event()
        async with self.worker.running():
            self._has_started.set()
            await self._is_over.wait()


@contextlib.contextmanager
def running_worker(app: App, *, scheduler: bool = False) -> Iterator[RunningWorker]:
    """Run the worker of *app* around a block, in a thread, in real time, on a private Redis.

    Inside the block all of the App uses that Redis. Handlers with ``executor="process"`` run in
    threads, since a process of theirs would use the Redis that the App names.

    Args:
        app: what to run; its lifespan, its middlewares and its listeners run, too.
        scheduler: whether periodic tasks are enqueued.

    Raises:
        ConfigError, RedisUnavailableError: see `private_redis`.
        ComponentCrashedError: at the end: a part of the worker failed.
    """
    with private_place() as place, app._clients.replaced(place.url, app._clock):  # noqa: SLF001 - for tests
        is_scheduling = scheduler and len(app.periodic) > 0
        mux = app._mux(processes=False)  # noqa: SLF001 - as above
        worker = AppWorker(app.server(), mux, app.scheduler() if is_scheduling else None)
        running = RunningWorker(place.url, worker)
        running.start()
        try:
            yield running
        finally:
            running.stop()
