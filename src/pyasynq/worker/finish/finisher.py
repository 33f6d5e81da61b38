"""Writes outcomes to Redis, in batches.

At most one flush is under way per queue: whatever is settled meanwhile goes in the next one. So a
single task is acknowledged at once and a flood in batches, without a timer. A write that failed
is kept, its task stays held (its lease goes on), and it is repeated with a digest that refuses it
if somebody else has taken the task meanwhile.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

from pyasynq.broker.operations import cancel
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import Clock
from pyasynq.errors import (
    ConfigError,
    IncompatibleRedisError,
    PyasynqError,
    RedisUnavailableError,
)
from pyasynq.lifecycle.component import Life
from pyasynq.lifecycle.outage import Outage
from pyasynq.lifecycle.shutdown import cancel_all
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.attempt.outcome import LOST, Cancelled, Outcome, Retried, as_wished
from pyasynq.worker.attempt.running_task import Held, RunningTask
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.finish.writes import Settled, grouped, write_of

logger = logging.getLogger("pyasynq.finisher")

MOST_PER_OPERATION = 500
FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 1.0
MOST_REFUSALS = 3  # of one write by the server itself, as for a key of a wrong type
MOST_TOLD = 10  # ids in one line of the log
# What concerns the server as a whole, and may pass: the outcomes wait.
PASSING = (RedisUnavailableError, ConfigError, IncompatibleRedisError)


class Finisher:
    """Acknowledges settled tasks.

    Attributes:
        unwritten: how many outcomes are not in Redis yet.

    Args:
        held: the tasks this server holds; one leaves when its outcome is written.
        on_written: called after tasks have left *held*.
        on_retry: called with the time in nanoseconds at which a retried task is due.
        on_outcome: called for each task whose outcome is in Redis; None if nobody listens.
    """

    name = "finisher"

    def __init__(
        self,
        runner: AsyncRunner,
        config: ServerConfig,
        clock: Clock,
        held: Held,
        *,
        on_written: Callable[[], None],
        on_retry: Callable[[int], None],
        on_outcome: Callable[[RunningTask, Outcome], None] | None = None,
    ) -> None:
        self._runner = runner
        self._config = config
        self._clock = clock
        self._held = held
        self._on_written = on_written
        self._on_retry = on_retry
        self._on_outcome = on_outcome
        self._waiting: dict[str, list[Settled]] = {}
        self._flushes: dict[str, asyncio.Task[None]] = {}
        self._outage = Outage(logger, "outcomes wait", "outcomes are written")
        self._blocked: set[str] = set()  # queues whose outcomes wait
        self.unwritten = 0

    def settle(self, running: RunningTask, outcome: Outcome) -> None:
        """Take the outcome of a task; it is written soon."""
        if outcome is LOST:
            self._lose(running)
            return
        self.unwritten += 1
        queue = running.keys.queue
        if queue in self._flushes:
            self._waiting[queue].append((running, outcome))
            return
        self._waiting.setdefault(queue, []).append((running, outcome))
        self._flushes[queue] = asyncio.create_task(
            self._flush(running.keys), name=f"pyasynq finisher of {queue}"
        )

    async def run(self, life: Life) -> None:
        """Live until the stop; then write what is left, for as long as the stop allows."""
        life.stops_within_s = math.inf
        life.started()
        await life.stopping.wait()
        late = await life.budget.wait(list(self._flushes.values()), lambda: life.budget.writes_s)
        if late:
            await cancel_all(*late)
            left = sum(len(waiting) for waiting in self._waiting.values())
            logger.error("%d outcomes were not written; their tasks will be recovered", left)

    def _lose(self, running: RunningTask) -> None:
        self._held.pop((running.keys.queue, running.leased.task_id), None)
        if self._on_outcome is not None:
            self._on_outcome(running, LOST)

    async def _flush(self, keys: QueueKeys) -> None:
        """Write everything that waits for one queue."""
        wait_s = FIRST_WAIT_S
        waiting = self._waiting[keys.queue]
        try:
            while waiting:
                batch = waiting[:MOST_PER_OPERATION]
                failed = await self._write_or_blame(keys, batch)
                waiting[: len(batch)] = failed
                if failed:
                    await asyncio.sleep(wait_s)
                    wait_s = min(LONGEST_WAIT_S, 2 * wait_s)
                else:
                    wait_s = FIRST_WAIT_S
        finally:
            del self._flushes[keys.queue]

    async def _write_or_blame(self, keys: QueueKeys, batch: Sequence[Settled]) -> list[Settled]:
        """Write one batch; of what fails for a reason of our own, give up that outcome alone."""
        try:
            return await self._write(keys, batch)
        except Exception as error:
            logger.exception("writing %d outcomes of queue %s failed", len(batch), keys.queue)
            left = [(task, outcome) for task, outcome in batch if self._is_held(task)]
            if len(batch) == 1:
                for running, _outcome in left:
                    self._give_up(running, error)
                return []
        for running, _outcome in left:
            running.is_write_repeated = True
        return [each for one in left for each in await self._write_or_blame(keys, [one])]

    async def _write(self, keys: QueueKeys, batch: Sequence[Settled]) -> list[Settled]:
        """Write one batch; return what must be written again."""
        groups = grouped(batch)
        if any(isinstance(group[0][1], Cancelled) for group in groups):
            try:
                groups = grouped(await self._as_wished(keys, batch))
            except RedisUnavailableError as error:
                return self._on_answer(keys, list(batch), error)
        now_ns = self._clock.redis_now_ns()
        operations = [write_of(keys, group, self._config, now_ns=now_ns) for group in groups]
        try:
            answers = await self._runner.run_all(operations, patience_s=0)
        except RedisUnavailableError as error:
            answers = [error] * len(groups)
        failed: list[Settled] = []
        for group, answer in zip(groups, answers, strict=True):
            failed += self._on_answer(keys, group, answer)
        if not failed and keys.queue in self._blocked:
            self._blocked.discard(keys.queue)
            if not self._blocked:
                self._outage.ends()
        return failed

    async def _as_wished(self, keys: QueueKeys, batch: Sequence[Settled]) -> Sequence[Settled]:
        """Return *batch* with what becomes of its cancelled tasks.

        Raises:
            RedisUnavailableError: the wishes of those who cancelled them could not be read.
        """
        asked = [task.leased.task_id for task, outcome in batch if isinstance(outcome, Cancelled)]
        answers = await self._runner.run_all(
            [cancel.read_cancel_wish(keys, task_id) for task_id in asked], patience_s=0
        )
        for answer in answers:
            if isinstance(answer, RedisUnavailableError):
                raise answer
        wishes = dict(zip(asked, answers, strict=True))
        return [
            (task, as_wished(outcome, wishes[task.leased.task_id]))
            if isinstance(outcome, Cancelled)
            else (task, outcome)
            for task, outcome in batch
        ]

    def _on_answer(self, keys: QueueKeys, group: list[Settled], answer: Any) -> list[Settled]:
        """Let go of what was written; return what must be written again."""
        if not isinstance(answer, BaseException):
            self._on_success(group, answer)
            return []
        for running, _outcome in group:
            running.is_write_repeated = True
        if isinstance(answer, PASSING):
            self._blocked.add(keys.queue)
            self._outage.begins(answer)
            return group
        return self._on_refusal(group, answer)

    def _on_refusal(self, group: list[Settled], error: BaseException) -> list[Settled]:
        """Give an outcome up that Redis refuses again and again; return the others.

        One of a batch may be to blame, so from now on each is written alone.
        """
        again = []
        for running, decided in group:
            running.refusals += 1
            if running.refusals < MOST_REFUSALS:
                again.append((running, decided))
                continue
            self._give_up(running, error)
        return again

    def _give_up(self, running: RunningTask, error: BaseException) -> None:
        """Let go of a task whose outcome cannot be written; its lease runs out."""
        task_id, queue = running.leased.task_id, running.keys.queue
        logger.error(
            "%s the outcome of task %s, which will be recovered: %s",
            "redis refuses" if isinstance(error, PyasynqError) else "cannot write",
            task_id,
            error,
            extra={"task_id": task_id, "queue": queue},
        )
        self._forget([running])

    def _on_success(self, group: list[Settled], written: Sequence[bool]) -> None:
        self._forget([running for running, _outcome in group])
        foreign = [] if all(written) else _foreign(group, written)
        if foreign:
            logger.info(
                "%d tasks were not ours any more when they ended: %s",
                len(foreign),
                ", ".join(running.leased.task_id for running in foreign[:MOST_TOLD]),
            )
        if isinstance(group[0][1], Retried):
            self._on_retry(min(each.at_ns for _, each in group if isinstance(each, Retried)))
        if self._on_outcome is not None:
            for running, outcome in group:
                self._on_outcome(running, LOST if running in foreign else outcome)

    def _is_held(self, running: RunningTask) -> bool:
        return self._held.get((running.keys.queue, running.leased.task_id)) is running

    def _forget(self, tasks: Sequence[RunningTask]) -> None:
        for running in tasks:
            self._held.pop((running.keys.queue, running.leased.task_id), None)
        self.unwritten -= len(tasks)
        self._on_written()


def _foreign(group: Sequence[Settled], written: Sequence[bool]) -> list[RunningTask]:
    """Return the tasks that were somebody else's before we wrote anything of them."""
    return [
        running
        for (running, _outcome), is_ours in zip(group, written, strict=True)
        if not is_ours and not running.is_write_repeated
    ]
