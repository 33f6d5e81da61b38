"""Writes what a server keeps of its work: attempts of tasks, and statistics of types.

    settled ─► outcome in Redis ─► waits here ─► one pipeline a second: attempts
                                              └► one a minute: statistics

It is told of outcomes that are written already, so nothing waits for it, and what fails here harms
no task. An attempt that runs longer than a second is written when it is still running, so that it
can be seen if its server is killed.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.broker.operation import Operation
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import RedisUnavailableError
from pyasynq.lifecycle.component import Life
from pyasynq.lifecycle.outage import LoggedOnce
from pyasynq.wire.keys import QueueKeys, queue_keys
from pyasynq.wire.message import TaskMessage
from pyasynq.worker.attempt.outcome import Outcome
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.attempt.writes import Settled
from pyasynq.worker.measure.type_tally import TypeTally
from pyasynq.worker.observers import Observer
from pyasynq.worker.record import unwritten_counts
from pyasynq.worker.record.attempt_log import AttemptLog, Waiting
from pyasynq.worker.record.attempt_record import (
    microseconds,
    record_of_end,
    record_of_recovery,
    record_of_start,
)
from pyasynq.worker.record.unwritten_counts import MINUTE_NS, UnwrittenCounts
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.recorder")

INTERVAL_S = 1.0
EARLY = 2000  # attempts that wait are written before the interval is over
CALLS_AT_ONCE = 20
LATEST_S = 10.0  # after a minute is over, its statistics are written: servers not all at once
LAST_FLUSH_S = 2.0


class Recorder:
    """Keeps what was done; used on the event loop only.

    Args:
        worker: host, process and ID of this server, as stored.
        tally: counts what is done.
        drops_errors: whether nobody else needs what tasks have failed with.
    """

    name = "recorder"

    def __init__(
        self,
        resources: ServerResources,
        *,
        worker: str,
        tally: TypeTally,
        drops_errors: bool,
    ) -> None:
        history = resources.config.task_history
        self._runner = resources.runner
        self._clock = resources.clock
        self._held = resources.held
        self._outage = resources.outage
        self._counters = resources.counters
        self._namespace = resources.connector.namespace
        self._worker = worker
        self._drops_errors = drops_errors
        self._log = AttemptLog(history, self._clock, on_drop=self._on_drop) if history else None
        self._tally = tally if resources.config.type_statistics else None
        self._unwritten = UnwrittenCounts()
        self._minute = self._clock.redis_now_ns() // MINUTE_NS
        self._late_ns = int(resources.random.uniform(0, LATEST_S) * NANOSECONDS)
        self._started: set[RunningTask] = set()  # whose start is written
        self._dropped = 0
        self._is_waiting = False  # for Redis
        self._wake_up = asyncio.Event()
        # Redis may take one of the two and refuse the other: neither ends the trouble of the other.
        self._attempt_troubles = self._logged_once()
        self._count_troubles = self._logged_once()
        self._has_failed = False

    @property
    def observer(self) -> Observer:
        """What it is to be called with, before what is done is counted."""
        return Observer(
            on_outcomes=self.on_outcomes,
            on_recovered=self.on_recovered,
            keeps_errors=self._log is not None,
        )

    def on_outcomes(self, settled: Sequence[Settled]) -> None:
        """Keep what became of tasks, once that is in Redis."""
        try:
            self._begin_minute()
            if self._log is not None:
                self._keep(self._log, settled)
        except Exception as error:  # noqa: BLE001 - it is told, and harms no task
            self._on_failure(error)
        if self._drops_errors and self._log is not None:
            for running, _outcome in settled:
                running.error = None  # an error knows its frames, which know the task

    def on_recovered(
        self, queue: str, task_id: str, message: TaskMessage, outcome: Outcome
    ) -> None:
        """Keep that the server of a task is gone, and what became of the task."""
        try:
            self._keep_recovery(queue, task_id, message, outcome)
        except Exception as error:  # noqa: BLE001 - as above
            self._on_failure(error)

    async def run(self, life: Life) -> None:
        """Write at intervals until the stop, and then what is left."""
        life.stops_within_s = LAST_FLUSH_S
        life.on_stop(self._wake_up.set)
        life.started()
        while not life.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_S):
                    await self._wake_up.wait()
            if life.stopping.is_set():
                break
            self._wake_up.clear()
            await self._pass(is_last=False)
        try:
            await self._pass(is_last=True)
        finally:
            self._report_left()

    def _begin_minute(self) -> None:
        """Let what was counted wait to be written, if the minute is over in which that was."""
        if self._tally is None:
            return
        minute = self._clock.redis_now_ns() // MINUTE_NS
        if minute != self._minute:
            self._unwritten.put(self._minute, self._tally.take())
            self._minute = minute

    def _keep(self, log: AttemptLog, settled: Sequence[Settled]) -> None:
        for running, outcome in settled:
            if not running.ended_at:  # its handler has not started
                continue
            error, traceback = log.texts_of(running.error, running.message.type)
            record = record_of_end(running, outcome, self._worker, error=error, traceback=traceback)
            log.add(
                running.keys,
                running.task_id,
                record,
                at_us=microseconds(running.started_ns),
                replaces=running in self._started,
            )
        if len(log) >= EARLY and not self._is_waiting:
            self._wake_up.set()

    def _keep_recovery(
        self, queue: str, task_id: str, message: TaskMessage, outcome: Outcome
    ) -> None:
        self._begin_minute()
        if self._log is not None:
            keys, now_ns = queue_keys(queue, self._namespace), self._clock.redis_now_ns()
            record = record_of_recovery(message, outcome, now_ns)
            self._log.add(keys, task_id, record, at_us=microseconds(now_ns))

    async def _pass(self, *, is_last: bool) -> None:
        """Write what waits; a failure is logged and never ends the server."""
        try:
            if self._log is not None:
                self._add_starts(self._log)
                await self._write_attempts(self._log)
            if self._tally is not None:
                await self._write_counts(self._tally, is_last=is_last)
        except Exception as error:  # noqa: BLE001 - as above
            self._on_failure(error)

    def _add_starts(self, log: AttemptLog) -> None:
        """Let the start of each attempt wait that has been running for an interval."""
        before_ns = self._clock.redis_now_ns() - int(INTERVAL_S * NANOSECONDS)
        held = set(self._held.values())
        self._started &= held
        for running in held - self._started:
            if running.is_settled or running.started_ns > before_ns:
                continue
            self._started.add(running)
            record = record_of_start(running, self._worker)
            at_us = microseconds(running.started_ns)
            log.add(running.keys, running.task_id, record, at_us=at_us)

    async def _write_attempts(self, log: AttemptLog) -> None:
        taken = log.take()
        left: Sequence[Waiting] = taken  # if the stop does not wait; some of them may be written
        try:
            left = await self._send_attempts(list(log.calls(taken)))
        finally:
            log.put_back(left)
        self._is_waiting = bool(left)
        if not left:
            self._report_dropped()

    async def _send_attempts(
        self, calls: Sequence[tuple[Sequence[Waiting], Operation[None]]]
    ) -> list[Waiting]:
        """Write attempts; return those that wait for Redis."""
        left: list[Waiting] = []
        answers = await self._send(
            [(each[0].keys, operation) for each, operation in calls], self._attempt_troubles
        )
        for (waiting, _operation), answer in zip(calls, answers, strict=True):
            queue = waiting[0].keys.queue
            if concerns_redis_as_a_whole(answer):
                left += waiting
            elif isinstance(answer, BaseException):
                self._counters.add("attempts_dropped", queue, "history", len(waiting))
        return left

    async def _write_counts(self, tally: TypeTally, *, is_last: bool) -> None:
        """Write the statistics of the minutes that are over, and at the stop of all."""
        self._begin_minute()
        unwritten = self._unwritten
        if is_last:
            unwritten.put(self._minute, tally.take())
        over = (self._clock.redis_now_ns() - self._late_ns) // MINUTE_NS
        calls = [
            (minute, *call)
            for minute in unwritten.minutes
            if minute < over or is_last
            for call in unwritten_counts.calls(minute, unwritten.take(minute), self._namespace)
        ]
        answers = await self._send(
            [(keys, each) for _, keys, _, each in calls], self._count_troubles
        )
        for (minute, keys, counts, _operation), answer in zip(calls, answers, strict=True):
            is_lost = isinstance(answer, RedisUnavailableError) and answer.may_have_happened
            if concerns_redis_as_a_whole(answer) and not is_lost:
                unwritten.put(minute, counts)
            elif isinstance(answer, BaseException):  # written again, it might be counted twice
                self._counters.add("statistics_dropped", keys.queue, "types", len(counts))

    async def _send(
        self, calls: Sequence[tuple[QueueKeys, Operation[None]]], troubles: LoggedOnce
    ) -> list[Any]:
        """Run calls, some in a round trip; return for each its answer, or its error.

        What follows for a queue that cannot be reached is not tried; it has the same error.
        """
        answers: list[Any] = [None] * len(calls)
        away: dict[str, BaseException] = {}
        for first in range(0, len(calls), CALLS_AT_ONCE):
            chunk = range(first, min(first + CALLS_AT_ONCE, len(calls)))
            sent = [i for i in chunk if self._node_of(calls[i][0]) not in away]
            found = await self._run([calls[i][1] for i in sent]) if sent else []
            for i, answer in zip(sent, found, strict=True):
                answers[i] = answer
                if self._is_away(answer, calls[i][0].queue, troubles):
                    away[self._node_of(calls[i][0])] = _unsent(answer)
            for i in set(chunk) - set(sent):
                answers[i] = away[self._node_of(calls[i][0])]
        return answers

    def _node_of(self, keys: QueueKeys) -> str:
        """Return what is away together: in a cluster a queue, else everything."""
        return keys.queue if self._runner.is_cluster else ""

    async def _run(self, operations: Sequence[Operation[None]]) -> list[Any]:
        try:
            return await self._runner.run_all(operations, patience_s=0)
        except RedisUnavailableError as error:
            return [error] * len(operations)

    def _is_away(self, answer: object, queue: str, troubles: LoggedOnce) -> bool:
        """Report an answer; return whether the call may work when Redis is back."""
        component = f"{self.name} of {queue}"
        if concerns_redis_as_a_whole(answer) and isinstance(answer, BaseException):
            self._outage.failed(answer, component=component, queue=queue)
            return True
        if isinstance(answer, BaseException):
            troubles.begins(answer, queue)
            return False
        troubles.ends(queue)
        if self._outage.is_on:
            self._outage.worked(component=component, queue=queue)
        return False

    def _logged_once(self) -> LoggedOnce:
        text = "what is done in queue %s is not kept: %s"
        return LoggedOnce(logger, text, outage=self._outage)

    def _on_drop(self, queue: str) -> None:
        if not self._dropped:
            logger.warning(
                "%d attempts wait for redis; from now on the oldest of them are dropped, not kept",
                0 if self._log is None else len(self._log),
            )
        self._dropped += 1
        self._counters.add("attempts_dropped", queue, "history")

    def _report_dropped(self) -> None:
        if self._dropped:
            logger.warning("%d attempts were dropped, not kept", self._dropped)
        self._dropped = 0

    def _report_left(self) -> None:
        """Tell at the stop what is lost."""
        self._dropped += 0 if self._log is None else len(self._log)
        self._report_dropped()
        self._report_unwritten()

    def _report_unwritten(self) -> None:
        minutes = self._unwritten.minutes
        if left := {key for minute in minutes for key in self._unwritten.take(minute)}:
            logger.warning("statistics of %d task types are not written", len(left))

    def _on_failure(self, error: Exception) -> None:
        if not self._has_failed:
            logger.error(
                "keeping what was done failed; further failures are not logged", exc_info=error
            )
        self._has_failed = True


def _unsent(error: BaseException) -> BaseException:
    """Return *error* for a call that was not even sent."""
    return RedisUnavailableError(str(error)) if isinstance(error, RedisUnavailableError) else error
