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
from collections.abc import Callable, Sequence
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
from pyasynq.worker.record import type_counter
from pyasynq.worker.record.attempt_log import AttemptLog, Waiting
from pyasynq.worker.record.attempt_record import (
    is_counted,
    is_failure,
    microseconds,
    record_of_end,
    record_of_recovery,
    record_of_start,
    waited_ns,
)
from pyasynq.worker.record.type_counter import MINUTE_NS, Counts, TypeCounter
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.recorder")

INTERVAL_S = 1.0
EARLY = 2000  # attempts that wait are written before the interval is over
CALLS_AT_ONCE = 20
LATEST_S = 10.0  # after a minute is over, its statistics are written: servers not all at once
LAST_FLUSH_S = 2.0

Settle = Callable[[RunningTask, Outcome], None]


class Recorder:
    """Keeps what was done; used on the event loop only.

    Args:
        worker: host, process and ID of this server, as stored.
        pattern_of: see `TypeCounter`.
        drops_errors: whether nobody else needs what tasks have failed with.
    """

    name = "recorder"

    def __init__(
        self,
        resources: ServerResources,
        *,
        worker: str,
        pattern_of: Callable[[str], str],
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
        is_counting = resources.config.type_statistics
        self._counter = TypeCounter(pattern_of) if is_counting else None
        self._late_ns = int(resources.random.uniform(0, LATEST_S) * NANOSECONDS)
        self._started: set[RunningTask] = set()  # whose start is written
        self._dropped = 0
        self._is_waiting = False  # for Redis
        self._wake_up = asyncio.Event()
        self._troubles = LoggedOnce(logger, "what is done in queue %s is not kept: %s")
        self._has_failed = False

    @property
    def keeps_errors(self) -> bool:
        """Whether it needs what tasks have failed with."""
        return self._log is not None

    def settling(self, settle: Settle) -> Settle:
        """Return what notes the time at which a task is settled, and then calls *settle*."""

        def note_and_settle(running: RunningTask, outcome: Outcome) -> None:
            running.ended_ns = self._clock.redis_now_ns()
            settle(running, outcome)

        return note_and_settle

    def on_outcome(self, running: RunningTask, outcome: Outcome) -> None:
        """Keep what became of a task, once that is in Redis."""
        try:
            if running.ended_ns:  # else its handler has not started
                self._keep(running, outcome)
        except Exception as error:  # noqa: BLE001 - it is told, and harms no task
            self._on_failure(error)
        if self._drops_errors:
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

    def _keep(self, running: RunningTask, outcome: Outcome) -> None:
        if self._counter is not None and is_counted(outcome):
            self._counter.add(
                running.keys,
                running.message.type,
                ended_ns=running.ended_ns,
                is_failure=is_failure(outcome),
                run_ns=running.ended_ns - running.started_ns,
                waited_ns=waited_ns(running),
            )
        if self._log is None:
            return
        error, traceback = self._log.texts_of(running.error, running.message.type)
        record = record_of_end(running, outcome, self._worker, error=error, traceback=traceback)
        self._log.add(
            running.keys,
            running.task_id,
            record,
            at_us=microseconds(running.started_ns),
            replaces=running in self._started,
        )
        if len(self._log) >= EARLY and not self._is_waiting:
            self._wake_up.set()

    def _keep_recovery(
        self, queue: str, task_id: str, message: TaskMessage, outcome: Outcome
    ) -> None:
        keys, now_ns = queue_keys(queue, self._namespace), self._clock.redis_now_ns()
        if self._counter is not None and message.type and is_counted(outcome):
            self._counter.add(keys, message.type, ended_ns=now_ns, is_failure=is_failure(outcome))
        if self._log is not None:
            record = record_of_recovery(message, outcome, now_ns)
            self._log.add(keys, task_id, record, at_us=microseconds(now_ns))

    async def _pass(self, *, is_last: bool) -> None:
        """Write what waits; a failure is logged and never ends the server."""
        try:
            if self._log is not None:
                self._add_starts(self._log)
                await self._write_attempts(self._log)
            if self._counter is not None:
                await self._write_counts(self._counter, is_last=is_last)
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
        answers = await self._send([(each[0].keys, operation) for each, operation in calls])
        for (waiting, _operation), answer in zip(calls, answers, strict=True):
            queue = waiting[0].keys.queue
            if concerns_redis_as_a_whole(answer):
                left += waiting
            elif isinstance(answer, BaseException):
                self._counters.add("attempts_dropped", queue, "history", len(waiting))
        return left

    async def _write_counts(self, counter: TypeCounter, *, is_last: bool) -> None:
        """Write the statistics of the minutes that are over, and at the stop of all."""
        over = (self._clock.redis_now_ns() - self._late_ns) // MINUTE_NS
        calls = [
            (minute, counts, operation)
            for minute in counter.minutes
            if minute < over or is_last
            for counts, operation in type_counter.calls(minute, counter.take(minute))
        ]
        answers = await self._send([(_queue_of(counts), each) for _, counts, each in calls])
        for (minute, counts, _operation), answer in zip(calls, answers, strict=True):
            is_lost = isinstance(answer, RedisUnavailableError) and answer.may_have_happened
            if concerns_redis_as_a_whole(answer) and not is_lost:
                counter.put_back(minute, counts)
            elif isinstance(answer, BaseException):  # written again, it might be counted twice
                queue = _queue_of(counts).queue
                self._counters.add("statistics_dropped", queue, "types", len(counts))

    async def _send(self, calls: Sequence[tuple[QueueKeys, Operation[None]]]) -> list[Any]:
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
                if self._is_away(answer, calls[i][0].queue):
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

    def _is_away(self, answer: object, queue: str) -> bool:
        """Report an answer; return whether the call may work when Redis is back."""
        component = f"{self.name} of {queue}"
        if concerns_redis_as_a_whole(answer) and isinstance(answer, BaseException):
            self._outage.failed(answer, component=component, queue=queue)
            return True
        if isinstance(answer, BaseException):
            self._troubles.begins(answer, queue)
            return False
        self._troubles.ends(queue)
        if self._outage.is_on:
            self._outage.worked(component=component, queue=queue)
        return False

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

    def _on_failure(self, error: Exception) -> None:
        if not self._has_failed:
            logger.error(
                "keeping what was done failed; further failures are not logged", exc_info=error
            )
        self._has_failed = True


def _queue_of(counts: Counts) -> QueueKeys:
    """Return the keys of the queue that counts are of."""
    return next(iter(counts))[0]


def _unsent(error: BaseException) -> BaseException:
    """Return *error* for a call that was not even sent."""
    return RedisUnavailableError(str(error)) if isinstance(error, RedisUnavailableError) else error
