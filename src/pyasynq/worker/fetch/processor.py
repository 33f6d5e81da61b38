"""Fetches as many tasks as there are free slots, and starts their handlers.

A slot is taken before a task is dequeued and freed when its handler has really ended. Nothing is
fetched ahead. Beyond twice `concurrency` unwritten outcomes the fetching waits too, so at most
three times `concurrency` tasks run again after a crash: the running and the unwritten ones.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable
from functools import partial
from typing import Protocol

from pyasynq.broker.new_tasks.payload_size import PayloadSizes
from pyasynq.broker.operations import dequeue
from pyasynq.broker.operations.dequeue import Leased
from pyasynq.broker.operations.finish import Fence
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import PayloadError, PyasynqError
from pyasynq.lifecycle.backoff import Backoff
from pyasynq.lifecycle.busy_wait import LoopAwake
from pyasynq.lifecycle.component import LAST_CALL_S, Life
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.lifecycle.signal import Signal
from pyasynq.options import to_seconds
from pyasynq.shown import LONGEST_ERROR, shown
from pyasynq.wire.message import decode
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.outcome import Outcome
from pyasynq.worker.attempt.running_task import Ending, RunningTask, deadline_ns
from pyasynq.worker.execute.executor import Executor
from pyasynq.worker.fetch.fetcher import Batch, Dequeue, Fetcher
from pyasynq.worker.fetch.idle_wait import IdleWait
from pyasynq.worker.floods import Floods
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.processor")

MOST_PER_FETCH = 128
LEAST_HALF = 32  # smaller batches cost more than they gain
UNWRITTEN_PER_SLOT = 2
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 1.0
AWAKE_S = 0.0002  # in which Redis answers a fetch and the outcomes that leave with it
LAST_FETCH_S = 5.0  # at the stop, while handlers go on


class Finishing(Protocol):
    """What the processor needs of the finisher."""

    @property
    def unwritten(self) -> int:
        """How many outcomes are not in Redis yet."""

    def settle(self, running: RunningTask, outcome: Outcome) -> None:
        """Take the outcome of a task."""


class Processor:
    """The loop that fetches and launches.

    Tests and tools may wait for two signals.

    Attributes:
        fetched: announces after each fetch how many tasks it brought.
        idle: announces, when a fetch brought none, how many queues can wake the server by a
            push; it goes on to wait for them, and polls the others.
    """

    name = "processor"

    def __init__(
        self,
        resources: ServerResources,
        *,
        fetcher: Fetcher,
        idle_wait: IdleWait,
        executor: Executor,
        finisher: Finishing,
    ) -> None:
        self._resources = resources
        self._config, self._clock = resources.config, resources.clock
        self._held, self._changed = resources.held, resources.changed
        self._fetcher, self._idle_wait = fetcher, idle_wait
        self._executor, self._finisher = executor, finisher
        self._most = _most_per_fetch(self._config.concurrency)
        self._most_unwritten = UNWRITTEN_PER_SLOT * self._config.concurrency
        self._loop = asyncio.get_running_loop()
        self._payload_sizes = PayloadSizes(self._config.max_payload_size)
        self._floods = Floods(self._clock)
        self._is_quiet = False
        self._is_full = False  # whether the last fetch brought tasks
        self._awake = LoopAwake(
            self._loop, is_wanted=resources.connector.busy_wait, window_s=AWAKE_S
        )
        self._outage = resources.outage
        self._fetch_sizes = resources.measures.fetch_sizes
        self._backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S, random=resources.random)
        self.fetched: Signal[int] = Signal()
        self.idle: Signal[int] = Signal()

    def quiet(self) -> None:
        """Fetch nothing more; tasks that run go on."""
        self._is_quiet = True
        self._changed.set()

    async def run(self, life: Life) -> None:
        """Fetch and launch until the stop; then wait for the handlers, and requeue the rest."""
        life.stops_within_s = math.inf
        life.started()
        life.on_stop(self.quiet)
        try:
            # Tasks whose dequeue is not awaited run only when their leases are over.
            within_s = min(LAST_FETCH_S, to_seconds(self._config.shutdown_timeout))
            await life.until_stop(
                self._fetch_until_quiet(life), within_s=max(LAST_CALL_S, within_s)
            )
            await life.stopping.wait()
        finally:
            await self._idle_wait.close()
        await self._drain(life.budget)
        await self._stop_waiting(life.budget)

    async def fetch_once(self) -> int:
        """Fetch tasks for the free slots and start their handlers; return how many came.

        For a server that works only when it is told, and never runs `run`.

        Raises:
            PyasynqError: it concerns Redis as a whole.
        """
        fetched = 0
        async for batch in self._fetcher.fetch(self._room(), self._may_fetch):
            fetched += len(batch.tasks)
            self._launch(batch)
        return fetched

    async def end(self, budget: ShutdownBudget) -> None:
        """Wait for the handlers that `fetch_once` started, and requeue the rest."""
        self.quiet()
        await self._idle_wait.close()
        await self._drain(budget)

    async def _fetch_until_quiet(self, life: Life) -> None:
        while not self._is_quiet:
            await self._turn(life)
        with contextlib.suppress(PyasynqError):  # else they would wait for recovery
            async for batch in self._fetcher.resolve_doubts():
                self._launch(batch)

    def _may_fetch(self) -> bool:
        return not self._is_quiet

    async def _turn(self, life: Life) -> None:
        """Fetch once, or wait until that makes sense."""
        self._changed.clear()
        room = self._room()
        if room <= 0:
            await self._changed.wait()
            return
        fetched = 0
        if self._is_full and not self._executor.running:
            self._awake.begin()
        try:
            async for batch in self._fetcher.fetch(room, self._may_fetch):
                self._awake.end()
                fetched += len(batch.tasks)
                self._launch(batch)
        except PyasynqError as error:
            self._outage.failed(error, component=self.name)
            await life.pause(self._backoff.next_s())
            return
        if self._outage.is_on:
            self._outage.worked(component=self.name)
            self._backoff.reset()
        self._awake.end()
        self._is_full = fetched > 0
        self.fetched.announce(fetched)
        if fetched:
            self._fetch_sizes.add(fetched)
        if fetched == 0 and not self._fetcher.is_in_doubt:
            self.idle.announce(self._idle_wait.watch(self._fetcher.waitable))
            await self._idle_wait.wait()
            return
        self._idle_wait.track(self._fetcher.waitable)
        if fetched < room:  # there is no more: the handlers start first
            await asyncio.sleep(0)

    def _room(self) -> int:
        slots = self._config.concurrency - len(self._executor.running)
        writes = self._most_unwritten - self._finisher.unwritten
        return min(slots, writes, self._most)

    def _launch(self, batch: Batch) -> None:
        """Start the handlers of what a dequeue brought."""
        now = self._clock.redis_now_ns(), self._loop.time(), self._clock.monotonic()
        fence = Fence(owner=batch.dequeue.owner)
        requeued: list[RunningTask] = []
        for leased in batch.tasks:
            running = self._hold(batch.dequeue, leased, fence, now)
            if running is None:
                continue
            if self._is_quiet:
                running.is_settled = True
                requeued.append(running)
            elif leased.expires_at_ns is not None and leased.expires_at_ns <= now[0]:
                running.is_settled = True
                self._finisher.settle(running, outcome.DROPPED)
            else:
                self._executor.launch(running)
        for running in reversed(requeued):  # each goes to the front
            self._finisher.settle(running, outcome.REQUEUED)

    def _hold(
        self, call: Dequeue, leased: Leased, fence: Fence, now: tuple[int, float, float]
    ) -> RunningTask | None:
        """Note that the task is ours; None if it cannot be read, or is ours already.

        Args:
            now: the time of Redis, and the same moment in the time of the event loop and by
                `Clock.monotonic`.
        """
        keys = call.keys
        key = keys.queue, leased.task_id
        if key in self._held:
            return None
        try:
            message = decode(leased.data)
        except PayloadError as error:
            self._log_unreadable(leased.task_id, keys.queue, error)
            return None
        self._payload_sizes.check(message.type, message.payload)
        now_ns, loop_s, monotonic_s = now
        end_ns = deadline_ns(message, now_ns)
        running = RunningTask(
            message=message,
            keys=keys,
            key=key,
            fence=fence,
            leased=leased,
            started_ns=now_ns,
            deadline_ns=end_ns,
            ends_at=loop_s + (end_ns - now_ns) / NANOSECONDS,
            lease_until_s=call.lease_expires_at_s,
            started_at=monotonic_s,
        )
        self._held[key] = running
        return running

    def _log_unreadable(self, task_id: str, queue: str, error: PayloadError) -> None:
        if not self._floods.is_flooded(queue, partial(_sum_up_unreadable, queue)):
            logger.error(
                "task %s of queue %s cannot be read; the recoverer archives it: %s",
                shown(task_id),
                queue,
                shown(str(error), LONGEST_ERROR),
            )

    async def _drain(self, budget: ShutdownBudget) -> None:
        """Wait for the handlers; requeue what takes longer than the shutdown allows."""
        if await self._emptied(budget, lambda: budget.handlers_s):
            return
        # What is held is in the order of its start; each goes to the front, so the first is last.
        late = [each for each in self._held.values() if each in self._executor.running]
        count = len(self._executor.running)
        if count == 1:
            logger.warning("1 handler still runs; its task goes back to the queue")
        else:
            logger.warning("%d handlers still run; their tasks go back to the queue", count)
        for running in reversed(late):
            self._executor.end(running, Ending.SHUTDOWN)
        end = self._loop.time() + min(LAST_CALL_S, to_seconds(self._config.cancel_grace))
        await self._emptied(budget, lambda: min(end - self._loop.time(), budget.writes_s / 2))

    async def _stop_waiting(self, budget: ShutdownBudget) -> None:
        """Let another server wait for pushes; if Redis cannot be reached, that entry expires."""
        resources = self._resources
        with contextlib.suppress(PyasynqError, TimeoutError):
            async with asyncio.timeout(min(LAST_CALL_S, budget.writes_s)):
                await resources.runner.run_all(
                    [dequeue.wait_no_more(keys, resources.server_id) for keys in resources.queues],
                    patience_s=0,
                )

    async def _emptied(self, budget: ShutdownBudget, left_s: Callable[[], float]) -> bool:
        """Wait until no handler runs; return whether that was before *left_s* was 0."""
        emptying = asyncio.create_task(self._empty(), name="pyasynq processor drain")
        try:
            return not await budget.wait([emptying], left_s)
        finally:
            emptying.cancel()

    async def _empty(self) -> None:
        while self._executor.running:
            self._changed.clear()
            await self._changed.wait()


def _sum_up_unreadable(queue: str, count: int) -> None:
    logger.error("%d more tasks of queue %s cannot be read in the last second", count, queue)


def _most_per_fetch(concurrency: int) -> int:
    """Return half of the slots: Redis makes one half ready while the other one runs."""
    return min(MOST_PER_FETCH, max(LEAST_HALF, concurrency // 2))
