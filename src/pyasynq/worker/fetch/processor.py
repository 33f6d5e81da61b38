"""Fetches as many tasks as there are free slots, and starts their handlers.

A slot is taken before a task is dequeued and freed when its handler has really ended. Nothing is
fetched ahead. Beyond twice `concurrency` unwritten outcomes the fetching waits too, so at most
three times `concurrency` tasks run again after a crash: the running and the unwritten ones.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from pyasynq.broker.new_tasks.payload_size import PayloadSizes
from pyasynq.broker.operations import dequeue
from pyasynq.broker.operations.dequeue import Fetched, Leased
from pyasynq.broker.operations.finish import Fence
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import NANOSECONDS, Clock
from pyasynq.errors import PayloadError, PyasynqError
from pyasynq.lifecycle.component import LAST_CALL_S, Life
from pyasynq.lifecycle.outage import Outage
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.options import to_seconds
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import decode
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.outcome import Outcome
from pyasynq.worker.attempt.running_task import Ending, Held, RunningTask, deadline_ns
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.execute.executor import Executor
from pyasynq.worker.fetch.fetcher import Fetcher
from pyasynq.worker.fetch.idle_wait import IdleWait
from pyasynq.worker.fetch.queue_order import strategy
from pyasynq.worker.fetch.wake_up import WakeUp
from pyasynq.worker.queue_probe import QueueProbe

logger = logging.getLogger("pyasynq.processor")

MOST_PER_FETCH = 128
LEAST_HALF = 32  # smaller batches cost more than they gain
UNWRITTEN_PER_SLOT = 2
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 1.0
LAST_FETCH_S = 5.0  # at the stop, while handlers go on


class Finishing(Protocol):
    """What the processor needs of the finisher."""

    @property
    def unwritten(self) -> int:
        """How many outcomes are not in Redis yet."""

    def settle(self, running: RunningTask, outcome: Outcome) -> None:
        """Take the outcome of a task."""


Moment = tuple[int, float]
"""One moment: nanoseconds in the time of Redis, and seconds in that of the event loop."""


class Processor:
    """The loop that fetches and launches.

    Args:
        wake_up: tells when a task is pushed; closed by the processor.
        owners: makes the token that marks the tasks of one dequeue, never the same twice.
        changed: set when a slot is free, an outcome is written, or a task became pending.
        is_cluster: the queues lie in different slots.
    """

    name = "processor"

    def __init__(
        self,
        runner: AsyncRunner,
        config: ServerConfig,
        clock: Clock,
        keys: Sequence[QueueKeys],
        executor: Executor,
        *,
        finisher: Finishing,
        held: Held,
        wake_up: WakeUp,
        server_id: str,
        owners: Callable[[], str],
        random: Random,
        changed: asyncio.Event,
        is_cluster: bool = False,
    ) -> None:
        self._runner = runner
        self._config = config
        self._clock = clock
        self._keys = keys
        # Redis makes one half ready while the other one runs.
        self._most = min(MOST_PER_FETCH, max(LEAST_HALF, config.concurrency // 2))
        self._executor = executor
        self._finisher = finisher
        self._held = held
        self._random = random
        self._loop = asyncio.get_running_loop()
        self._payload_sizes = PayloadSizes(config.max_payload_size)
        self._wake_up = wake_up
        self._idle_wait = IdleWait(
            clock,
            QueueProbe(runner, keys, lambda each: (each.pending,), is_cluster=is_cluster),
            wake_up,
            changed,
            queues=len(keys),
            check_s=to_seconds(config.task_check_interval),
            random=random,
        )
        self._server_id = server_id
        self._fetcher = Fetcher(
            runner,
            clock,
            keys,
            strategy(config.queues, is_strict=config.strict_priority, random=random),
            lease_s=to_seconds(config.lease_duration),
            server_id=server_id,
            owners=owners,
            may_wait=wake_up.is_possible,
            take=self._launch_all,
        )
        self._changed = changed
        self._is_quiet = False
        self._outage = Outage(logger, "fetching waits", "fetching goes on")
        self._wait_s = FIRST_WAIT_S
        self._stopping = asyncio.Event()

    def quiet(self) -> None:
        """Fetch nothing more; tasks that run go on."""
        self._is_quiet = True
        self._changed.set()

    async def run(self, life: Life) -> None:
        """Fetch and launch until the stop; then wait for the handlers, and requeue the rest."""
        life.stops_within_s = math.inf
        self._stopping = life.stopping
        life.started()
        stop = asyncio.create_task(self._wake_on_stop(life), name="pyasynq processor stop")
        try:
            # Tasks whose dequeue is not awaited run only when their leases are over.
            within_s = min(LAST_FETCH_S, to_seconds(self._config.shutdown_timeout))
            await life.until_stop(
                self._fetch_until_quiet(life), within_s=max(LAST_CALL_S, within_s)
            )
            await life.stopping.wait()
        finally:
            stop.cancel()
            await self._wake_up.close()
        await self._drain(life.budget)
        await self._leave(life.budget)

    async def _fetch_until_quiet(self, life: Life) -> None:
        while not (life.stopping.is_set() or self._is_quiet):
            await self._turn(life)
        with contextlib.suppress(PyasynqError):
            await self._fetcher.resolve_doubts()  # nobody else would give them back so soon

    async def _wake_on_stop(self, life: Life) -> None:
        await life.stopping.wait()
        self._changed.set()

    async def _turn(self, life: Life) -> None:
        """Fetch once, or wait until that makes sense."""
        self._changed.clear()
        room = self._room()
        if room <= 0:
            await self._changed.wait()
            return
        try:
            fetched = await self._fetcher.fetch(room, self._stopping)
        except PyasynqError as error:
            await self._on_trouble(error, life)
            return
        self._outage.ends()
        self._wait_s = FIRST_WAIT_S
        if fetched == 0:
            await self._idle_wait.wait(self._fetcher.waitable)
        elif fetched < room:  # there is no more: the handlers start first
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # and the outcomes of those that do not wait go along

    def _room(self) -> int:
        slots = self._config.concurrency - len(self._executor.running)
        writes = UNWRITTEN_PER_SLOT * self._config.concurrency - self._finisher.unwritten
        return min(slots, writes, self._most)

    async def _on_trouble(self, error: PyasynqError, life: Life) -> None:
        self._outage.begins(error)
        await life.pause(self._wait_s * (0.5 + self._random.random()))
        self._wait_s = min(LONGEST_WAIT_S, 2 * self._wait_s)

    def _launch_all(
        self, keys: QueueKeys, fetched: Fetched, owner: str, lease_until_s: int
    ) -> None:
        """Start the handlers of what a fetch brought."""
        if fetched.dropped:
            logger.warning(
                "dropped %d ids without a task from queue %s: %s",
                len(fetched.dropped),
                keys.queue,
                fetched.dropped[:10],
            )
        now = now_ns, _ = self._clock.redis_now_ns(), self._loop.time()
        fence, is_ending = Fence(owner=owner), self._stopping.is_set() or self._is_quiet
        requeued: list[RunningTask] = []
        for leased in fetched.tasks:
            running = self._hold(keys, leased, fence, lease_until_s, now=now)
            if running is None:
                continue
            if is_ending:
                running.is_settled = True
                requeued.append(running)
            elif leased.expires_at_ns is not None and leased.expires_at_ns <= now_ns:
                running.is_settled = True
                self._finisher.settle(running, outcome.DROPPED)
            else:
                self._executor.launch(running)
        for running in reversed(requeued):  # each goes to the front
            self._finisher.settle(running, outcome.REQUEUED)

    def _hold(
        self, keys: QueueKeys, leased: Leased, fence: Fence, lease_until_s: int, *, now: Moment
    ) -> RunningTask | None:
        """Note that the task is ours; None if it cannot be read, or is ours already."""
        place = keys.queue, leased.task_id
        if place in self._held:
            return None
        try:
            message = decode(leased.data)
        except PayloadError as error:
            logger.error(  # noqa: TRY400 - the stack says nothing of a damaged message
                "task %s of queue %s cannot be read; the recoverer archives it: %s",
                leased.task_id,
                keys.queue,
                error,
            )
            return None
        self._payload_sizes.check(message.type, message.payload)
        now_ns, loop_s = now
        end_ns = deadline_ns(message, now_ns)
        running = RunningTask(
            message=message,
            keys=keys,
            fence=fence,
            leased=leased,
            started_ns=now_ns,
            deadline_ns=end_ns,
            ends_at=loop_s + (end_ns - now_ns) / NANOSECONDS,
            lease_until_s=lease_until_s,
        )
        self._held[place] = running
        return running

    async def _drain(self, budget: ShutdownBudget) -> None:
        """Wait for the handlers; requeue what takes longer than the stop allows."""
        if await self._emptied(budget, lambda: budget.handlers_s):
            return
        # What is held is in the order of its start; each goes to the front, so the first is last.
        late = [each for each in self._held.values() if each in self._executor.running]
        logger.warning(
            "stopping: %d handlers still run; their tasks are requeued",
            len(self._executor.running),
        )
        for running in reversed(late):
            self._executor.end(running, Ending.SHUTDOWN)
        end = self._loop.time() + min(LAST_CALL_S, to_seconds(self._config.cancel_grace))
        await self._emptied(budget, lambda: min(end - self._loop.time(), budget.writes_s / 2))

    async def _leave(self, budget: ShutdownBudget) -> None:
        """Give up the places among those that wait; an unreachable Redis lets them expire."""
        with contextlib.suppress(PyasynqError, TimeoutError):
            async with asyncio.timeout(min(LAST_CALL_S, budget.writes_s)):
                await self._runner.run_all(
                    [dequeue.wait_no_more(keys, self._server_id) for keys in self._keys],
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
