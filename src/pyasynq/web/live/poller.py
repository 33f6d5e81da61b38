"""Reads Redis for all who listen on one event loop, and stops when nobody does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pyasynq.admin.metrics.sampler import FINE
from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.errors import PyasynqError
from pyasynq.inspector import AsyncInspector
from pyasynq.inspector.snapshot import Snapshot
from pyasynq.web.live.changes import ALL
from pyasynq.web.live.listener import Listener
from pyasynq.web.live.pace import Pace
from pyasynq.web.live.readings import Readings
from pyasynq.web.live.sampling import Sampling
from pyasynq.web.refusal import Refusal

RETRY_AFTER_S = 60
FULL = "too many pages listen to changes; ask again from time to time"
LEAST_REST = 8  # so many readings can be made in the time of one if pages are opened quickly
AFTER_STEP_S = 0.05  # a sample is taken when its step has surely begun

Opened = Callable[[], Awaitable[AsyncInspector]]

logger = logging.getLogger("pyasynq.web")


class Poller:
    """Reads Redis while somebody listens, or samples are taken, and tells what has changed.

    Args:
        opened: returns the inspector of this loop.
        pace: how often.
        sampling: takes samples of what is read.
    """

    def __init__(self, opened: Opened, pace: Pace, sampling: Sampling) -> None:
        self._opened, self._pace, self._sampling = opened, pace, sampling
        self._listeners: set[Listener] = set()
        self._newcomers: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._clock = asyncio.get_running_loop().time
        self._now_ns = SystemClock().redis_now_ns  # until the clock of the inspector is known
        self._readings = Readings(pace.recent_s)

    @property
    def is_running(self) -> bool:
        """Whether Redis is being read."""
        return self._task is not None and not self._task.done()

    def listen(self) -> Listener:
        """Return a new listener.

        Raises:
            Refusal: there are too many.
        """
        if len(self._listeners) >= self._pace.most_listeners:
            raise Refusal(503, FULL, headers={"Retry-After": str(RETRY_AFTER_S)})
        listener = Listener()
        self._listeners.add(listener)
        now = self._clock()
        if self.is_running and self._readings.is_enough(now):
            listener.tell(self._readings.recently(now))
            listener.tell_stale(self._readings.stale_since)
        else:
            self._newcomers.add(listener)
        self.run()
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener; safe to repeat."""
        listener.close()
        self._listeners.discard(listener)
        self._newcomers.discard(listener)
        if not self._listeners:
            self._hurry.set()

    def run(self) -> None:
        """Read now, and go on."""
        self._hurry.set()
        if not self.is_running:
            self._task = asyncio.create_task(self._run(), name="pyasynq web: live updates")

    def end_streams(self) -> None:
        """End all streams; safe to repeat."""
        for each in self._listeners:
            each.close()

    async def close(self) -> None:
        """End all streams, and stop reading; safe to repeat."""
        self.end_streams()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            self._hurry.set()  # redis-py may swallow the cancellation: then it ends by itself
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        self._readings = Readings(self._pace.recent_s)
        this = asyncio.current_task()
        while self._listeners or self._sampling.goes_on:
            self._hurry.clear()
            took_s = await self._read()
            if this is not None and this.cancelling():
                return  # an answer that came at the same moment has swallowed the cancellation
            await self._rest(took_s)

    async def _rest(self, took_s: float) -> None:
        """Wait until the next reading, or until somebody has come, or nobody is left.

        Args:
            took_s: how long the last one took.
        """
        pace = self._pace
        wait_s = max(pace.poll_s, took_s / pace.most_share) - took_s
        if not self._listeners:
            wait_s = max(wait_s, self._until_sample_s)
        try:
            async with asyncio.timeout(max(0.0, wait_s)):
                await asyncio.sleep(pace.poll_s / LEAST_REST)
                await self._hurry.wait()
        except TimeoutError:
            pass

    @property
    def _until_sample_s(self) -> float:
        return FINE.step_s - self._now_ns() / NANOSECONDS % FINE.step_s + AFTER_STEP_S

    async def _read(self) -> float:
        """Read once, and tell everybody what has changed; return how long it took, if it did."""
        began, took_s = self._clock(), 0.0
        try:
            inspector = await self._opened()
            self._now_ns = inspector.clock.redis_now_ns
            async with asyncio.timeout(self._pace.patience_s):
                snapshot = await inspector.snapshots.take()
            took_s = self._clock() - began
            self._tell(snapshot)
            async with asyncio.timeout(self._pace.patience_s):
                await self._sampling.take(snapshot, inspector)
        except (PyasynqError, TimeoutError):
            self._tell_stale()
        except Exception:  # whatever it is, who listens must be told
            logger.exception("a reading for live updates failed")
            self._tell_stale()
        return took_s

    def _tell(self, snapshot: Snapshot) -> None:
        changes = self._readings.note(self._clock(), snapshot)
        for each in self._listeners:
            each.tell_stale(None)
            each.tell([ALL] if each in self._newcomers else changes)
        self._newcomers.clear()

    def _tell_stale(self) -> None:
        self._readings.note_failure(self._now_ns())
        for each in self._listeners:
            each.tell_stale(self._readings.stale_since)
        self._newcomers.clear()  # once Redis answers, everybody is told to look again
