"""Writes outcomes to Redis, in batches.

At most one flush is under way per queue: whatever is settled meanwhile goes into the next one. So a
single task is acknowledged at once and a flood in batches, without a timer. A write that failed is
kept and its task stays held, so its lease is extended. The write is repeated with a digest of the
message, by which Redis refuses it if another worker has taken the task over meanwhile.
"""

import asyncio
import contextlib
import logging
import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import cancel
from pyasynq.broker.operations.finish import Verdict
from pyasynq.broker.operations.progress import write_progress
from pyasynq.errors import IncompatibleRedisError, PyasynqError, RedisUnavailableError
from pyasynq.lifecycle.backoff import Backoff
from pyasynq.lifecycle.component import Life
from pyasynq.lifecycle.outage import LoggedOnce
from pyasynq.lifecycle.shutdown import cancel_all
from pyasynq.lifecycle.signal import Signal
from pyasynq.shown import LONGEST_ERROR, listed, shown
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.progress import encode
from pyasynq.worker.attempt.outcome import (
    LOST,
    WORDS,
    Cancelled,
    Finished,
    Outcome,
    Retried,
    as_asked,
)
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.attempt.writes import Settled, grouped, write_of
from pyasynq.worker.floods import Floods
from pyasynq.worker.observers import OnOutcomes
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.finisher")

MOST_PER_OPERATION = 500
FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 1.0
MOST_REFUSALS = 3  # of one write by the server itself, as for a key of a wrong type


class Finisher:
    """Acknowledges settled tasks.

    Attributes:
        unwritten: how many outcomes are not in Redis yet.
        flushed: announces after each batch those of its outcomes that must be written again;
            a signal that tests and tools may wait for.

    Args:
        on_retry: called with the time in nanoseconds at which a retried task is due.
        on_outcomes: called with tasks whose outcomes are in Redis, of one queue and one kind of
            outcome; those that were lost are such a kind.
        on_unwritable: called with a task whose outcome cannot be written.
    """

    name = "finisher"

    def __init__(
        self,
        resources: ServerResources,
        *,
        on_retry: Callable[[int], None],
        on_outcomes: OnOutcomes | None = None,
        on_unwritable: Callable[[RunningTask], None] | None = None,
    ) -> None:
        self._runner = resources.outcomes or resources.runner
        self._clock = resources.clock
        self._held = resources.held
        self._reports = resources.reports
        self._changed = resources.changed
        self._random = resources.random
        self._frees_lock = resources.config.is_lock_freed_on_archive
        self._on_retry = on_retry
        self._on_outcomes = on_outcomes
        self._on_unwritable = on_unwritable
        self._flush_sizes = resources.measures.flush_sizes
        self._waiting: dict[str, list[Settled]] = {}
        self._flushes: dict[str, asyncio.Task[None]] = {}
        self._variables = copy_context()  # not those of the handler that brings the first outcome
        self._outage = resources.outage
        self._troubles = LoggedOnce(
            logger,
            "outcomes of queue %s wait: %s",
            over="outcomes of queue %s are written again",
            outage=self._outage,
        )
        self._floods = Floods(resources.clock)
        self._stopping = asyncio.Event()
        self._blocked: set[str] = set()  # queues whose outcomes wait
        self._written: Counter[type[Outcome]] = Counter()
        self.unwritten = 0
        self.flushed: Signal[list[Settled]] = Signal()

    @property
    def counts(self) -> dict[str, int]:
        """How many outcomes of each kind are in Redis, by their word, such as "archived"."""
        return {WORDS[kind]: count for kind, count in self._written.items()}

    def settle(self, running: RunningTask, outcome: Outcome) -> None:
        """Take the outcome of a task; it is written soon."""
        if outcome is LOST:
            self._lose(running)
            return
        self.unwritten += 1
        queue = running.key[0]
        if queue in self._flushes:
            self._waiting[queue].append((running, outcome))
            return
        self._waiting.setdefault(queue, []).append((running, outcome))
        self._flushes[queue] = asyncio.create_task(
            self._flush(running.keys),
            name=f"pyasynq finisher of {queue}",
            context=self._variables.copy(),
        )

    async def run(self, life: Life) -> None:
        """Live until the stop; then write what is left, for as long as the stop allows."""
        life.stops_within_s = math.inf
        life.started()
        life.on_stop(self._stopping.set)
        await life.stopping.wait()
        late = await life.budget.wait(list(self._flushes.values()), lambda: life.budget.writes_s)
        if late:
            await cancel_all(*late)
            left = sum(len(waiting) for waiting in self._waiting.values())
            logger.error("%d outcomes were not written; their tasks will be recovered", left)

    def _lose(self, running: RunningTask) -> None:
        self._held.pop(running.key, None)
        self._reports.pop(running, None)
        if self._on_outcomes is not None:
            self._on_outcomes([(running, LOST)])

    async def _flush(self, keys: QueueKeys) -> None:
        """Write everything that waits for one queue."""
        waiting, backoff = self._waiting[keys.queue], None
        try:
            while waiting:
                await asyncio.sleep(0)  # the fetch for the slots that are free goes first
                batch = waiting[:MOST_PER_OPERATION]
                failed = await self._write_isolating_faults(keys, batch)
                waiting[: len(batch)] = failed
                self.flushed.announce(failed)
                if not failed:
                    backoff = None
                    continue
                if not any(running.is_write_repeated for running, _outcome in failed):
                    continue  # Redis has done enough for one call, and nothing has failed
                backoff = backoff or Backoff(FIRST_WAIT_S, LONGEST_WAIT_S, random=self._random)
                await self._pause(backoff.next_s())
        finally:
            del self._flushes[keys.queue]

    async def _pause(self, wait_s: float) -> None:
        """Wait before a batch is written again; at the stop there is only time for short waits."""
        if self._stopping.is_set():
            await asyncio.sleep(FIRST_WAIT_S)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._stopping.wait()

    async def _write_isolating_faults(
        self, keys: QueueKeys, batch: Sequence[Settled]
    ) -> list[Settled]:
        """Write one batch; if one outcome makes that fail, drop that outcome alone."""
        try:
            return await self._write(keys, batch)
        except Exception as error:
            logger.exception("writing %d outcomes of queue %s failed", len(batch), keys.queue)
            left = [(task, outcome) for task, outcome in batch if self._is_held(task)]
            if len(batch) == 1:
                for running, _outcome in left:
                    self._drop(running, error)
                return []
        for running, _outcome in left:
            running.is_write_repeated = True
        return [each for one in left for each in await self._write_isolating_faults(keys, [one])]

    async def _write(self, keys: QueueKeys, batch: Sequence[Settled]) -> list[Settled]:
        """Write one batch; return what must be written again."""
        if self._reports:
            try:
                await self._write_progress(keys, batch)
            except RedisUnavailableError as error:
                return self._on_answer(keys, list(batch), error)
        groups = grouped(batch)
        # Most batches have one kind of outcomes; to look through one costs more than at its first.
        is_asked = isinstance(groups[0][0][1], Cancelled)
        if is_asked or (
            len(groups) > 1 and any(isinstance(each[0][1], Cancelled) for each in groups)
        ):
            try:
                groups = grouped(await self._as_asked(keys, batch))
            except RedisUnavailableError as error:
                return self._on_answer(keys, list(batch), error)
        self._flush_sizes.add(len(batch))
        now_ns = self._clock.redis_now_ns()
        operations = [
            write_of(keys, group, frees_lock=self._frees_lock, now_ns=now_ns) for group in groups
        ]
        try:
            answers = await self._runner.run_all(operations, patience_s=0)
        except RedisUnavailableError as error:
            answers = [error] * len(groups)
        failed: list[Settled] = []
        for group, answer in zip(groups, answers, strict=True):
            failed += self._on_answer(keys, group, answer)
        if self._blocked and not failed and keys.queue in self._blocked:
            self._unblock(keys.queue)
        return failed

    async def _write_progress(self, keys: QueueKeys, batch: Sequence[Settled]) -> None:
        """Write the last progress of tasks before their outcomes: afterwards they are not ours.

        Raises:
            RedisUnavailableError: some of it may not be written.
        """
        for each in list(self._reports):
            if not self._is_held(each):
                del self._reports[each]  # left by a handler that has outlived its task
        reported = [
            (each, self._reports[each], decided) for each, decided in batch if each in self._reports
        ]
        under_way = [found.writing for _, found, _ in reported if found.writing is not None]
        if under_way:  # an older report must not come after the last one
            await asyncio.wait(under_way)
        now_ns = self._clock.redis_now_ns()
        operations = [
            write_progress(keys, each.task_id, each.fence_at(now_ns), encode(found.latest))
            for each, found, decided in reported
            if found.unwritten is not None and not isinstance(decided, Finished)
        ]
        answers = await self._runner.run_all(operations, patience_s=0)
        raise_first(answers, which=lambda error: isinstance(error, RedisUnavailableError))
        for each, _found, _decided in reported:
            self._reports.pop(each, None)

    async def _as_asked(self, keys: QueueKeys, batch: Sequence[Settled]) -> Sequence[Settled]:
        """Return *batch* with what becomes of its cancelled tasks.

        Raises:
            RedisUnavailableError: what the cancelling calls asked for could not be read.
        """
        cancelled = [task.task_id for task, outcome in batch if isinstance(outcome, Cancelled)]
        answers = await self._runner.run_all(
            [cancel.read_cancel_then(keys, task_id) for task_id in cancelled], patience_s=0
        )
        raise_first(answers, which=lambda error: isinstance(error, RedisUnavailableError))
        asked = dict(zip(cancelled, answers, strict=True))
        return [
            (task, as_asked(outcome, asked[task.task_id]))
            if isinstance(outcome, Cancelled)
            else (task, outcome)
            for task, outcome in batch
        ]

    def _on_answer(self, keys: QueueKeys, group: list[Settled], answer: Any) -> list[Settled]:
        """Release what was written; return what must be written again."""
        if not isinstance(answer, BaseException):
            if not all(answer):
                return self._on_some_written(group, answer)
            self._on_success(group)
            return []
        for running, _outcome in group:
            running.is_write_repeated = True
        # Missing rights or memory may come back, too: the outcomes wait.
        if concerns_redis_as_a_whole(answer) or isinstance(answer, IncompatibleRedisError):
            self._block(keys.queue, answer)
            return group
        return self._on_refusal(group, answer)

    def _block(self, queue: str, error: BaseException) -> None:
        """Note why the outcomes of a queue wait."""
        self._blocked.add(queue)
        if concerns_redis_as_a_whole(error):
            self._outage.failed(error, component=_of(queue), queue=queue)
        else:
            self._troubles.begins(error, queue)

    def _unblock(self, queue: str) -> None:
        self._blocked.discard(queue)
        self._outage.worked(component=_of(queue), queue=queue)
        self._troubles.ends(queue)

    def _on_refusal(self, group: list[Settled], error: BaseException) -> list[Settled]:
        """Drop the outcomes that Redis keeps refusing; return the others.

        A single one of the batch may be at fault, so from now on each is written alone.
        """
        again = []
        for running, decided in group:
            running.refusals += 1
            if running.refusals < MOST_REFUSALS:
                again.append((running, decided))
                continue
            self._drop(running, error)
        return again

    def _drop(self, running: RunningTask, error: BaseException) -> None:
        """Release a task whose outcome cannot be written; its lease runs out."""
        queue, task_id = running.key
        if not self._floods.is_flooded(queue, partial(_sum_up_dropped, queue)):
            logger.error(
                "%s the outcome of task %s, which will be recovered: %s",
                "redis refuses" if isinstance(error, PyasynqError) else "cannot write",
                shown(task_id),
                shown(str(error), LONGEST_ERROR),
                extra={"task_id": shown(task_id), "queue": queue},
            )
        self._forget([running])
        if self._on_unwritable is not None:
            self._on_unwritable(running)

    def _on_some_written(
        self, group: Sequence[Settled], verdicts: Sequence[Verdict]
    ) -> list[Settled]:
        """Release what was written or is not ours; return what the call has left for later."""
        left: list[Settled] = []
        written: list[Settled] = []
        foreign: list[RunningTask] = []
        for settled, verdict in zip(group, verdicts, strict=True):
            (left if verdict is None else written).append(settled)
            # Of what was written before, the first answer was lost.
            if verdict is False and not settled[0].is_write_repeated:
                foreign.append(settled[0])
        if written:
            self._on_success(written, foreign)
        return left

    def _on_success(self, group: Sequence[Settled], foreign: Sequence[RunningTask] = ()) -> None:
        """Release tasks; those that are *foreign* another worker had taken over before."""
        self._forget([running for running, _outcome in group])
        self._written[type(group[0][1])] += len(group)
        if foreign:
            logger.warning(
                "%d finished tasks had been taken over by another worker; "
                "their outcomes were not written: %s",
                len(foreign),
                listed([running.task_id for running in foreign]),
            )
        if isinstance(group[0][1], Retried):
            self._on_retry(min(each.at_ns for _, each in group if isinstance(each, Retried)))
        if self._on_outcomes is None:
            return
        if not foreign:
            self._on_outcomes(group)
            return
        if ours := [settled for settled in group if settled[0] not in foreign]:
            self._on_outcomes(ours)
        self._on_outcomes([(running, LOST) for running in foreign])

    def _is_held(self, running: RunningTask) -> bool:
        return self._held.get(running.key) is running

    def _forget(self, tasks: Sequence[RunningTask]) -> None:
        for running in tasks:
            self._held.pop(running.key, None)
        self.unwritten -= len(tasks)
        self._changed.set()


def _of(queue: str) -> str:
    """Return the name by which an outage knows the outcomes of a queue."""
    return f"{Finisher.name} of {queue}"


def _sum_up_dropped(queue: str, count: int) -> None:
    text = "%d more outcomes of queue %s cannot be written in the last second"
    logger.error(text, count, queue)
