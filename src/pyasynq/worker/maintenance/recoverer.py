"""Brings back the tasks of workers that are gone, and heals what no other component looks at.

A task whose lease ended longer ago than a lease lasts is retried, or archived when its retries
are used up. Keys are built from the queue that was searched and the ID found there, never from a
message. Each write is fenced by the lease it was judged by, so several recoverers do no harm.

    retried, archived   the worker of the task is gone
    dropped             an ID without a message: there is nothing to run
    quarantined         a message that cannot be read, archived with its bytes
    leased              active without a lease in two passes: got an expired one
    restored            with a lease, but in no list: active again
    released            with a lease, but in another list: the lease is removed
    regrouped           members of an overdue aggregation set, back in their group
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Sequence
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import groups, maintain
from pyasynq.broker.operations.maintain import Healed, LeaseExpired
from pyasynq.clock import redis_now_s
from pyasynq.errors import PyasynqError
from pyasynq.lifecycle.component import Life, every
from pyasynq.lifecycle.outage import LoggedOnce
from pyasynq.options import to_seconds
from pyasynq.shown import shown
from pyasynq.wire.error_text import LEASE_EXPIRED
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.attempt.lease import lease_cutoff_s
from pyasynq.worker.attempt.outcome import Rules
from pyasynq.worker.maintenance.recovery import Step, decide
from pyasynq.worker.observers import OnRecovered
from pyasynq.worker.resources import ServerResources
from pyasynq.worker.task_log import TaskLog

logger = logging.getLogger("pyasynq.recoverer")

BATCH = 100
AT_ONCE = 10  # of what reads a whole list: Redis answers nobody else within a round trip
MOST_UNLEASED = 1000  # remembered of a queue; the others wait for another pass
MOST_NOTES = 10  # in one line of the log
LONGEST_NOTE = 200  # characters


class Pass:
    """What one pass has done so far.

    Attributes:
        counts: how many tasks of each queue, by (queue, kind).
        notes: what a person should know of single tasks.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.notes: list[str] = []

    @property
    def totals(self) -> Counter[str]:
        """How many tasks of each kind."""
        totals: Counter[str] = Counter()
        for (_queue, kind), count in self.counts.items():
            totals[kind] += count
        return +totals

    def note(self, keys: QueueKeys, step: Step) -> None:
        """Keep the note of a step that was taken."""
        if step.note and len(self.notes) < MOST_NOTES:
            note = f"{shown(step.task_id)!r} of queue {keys.queue} {step.note}"
            self.notes.append(shown(note, LONGEST_NOTE))


class Recoverer:
    """The pass that recovers, at an interval.

    Args:
        task_log: where attempts of lost workers are logged.
        on_recovered: called for each task that could be read; None if nobody listens.
    """

    name = "recoverer"

    def __init__(
        self,
        resources: ServerResources,
        *,
        task_log: TaskLog,
        on_recovered: OnRecovered | None = None,
    ) -> None:
        config = resources.config
        self._runner = resources.runner
        self._config = config
        self._clock = resources.clock
        self._probe = resources.probe(lambda keys: (keys.active, keys.lease, keys.aggregation_sets))
        self._held = resources.held
        self._outage = resources.outage
        self._counters = resources.counters
        self._task_log = task_log
        self._on_recovered = on_recovered
        self._lease_s = to_seconds(config.lease_duration)
        self._not_before = 0.0  # monotonic
        self._rules = Rules(retry_delay=config.retry_delay, is_failure=config.is_failure)
        self._unleased: dict[str, set[str]] = {}
        self._troubles = LoggedOnce(
            logger, "cannot recover %s of queue %s: %s", outage=self._outage
        )

    async def run(self, life: Life) -> None:
        """Recover at once and then at the interval, until the stop."""
        interval_s = to_seconds(self._config.recover_interval)
        await every(
            interval_s, self.recover, life, name=self.name, outage=self._outage, is_at_once=True
        )

    async def recover(self) -> Counter[str]:
        """Make one pass; return how many tasks of each kind there were.

        After an outage of Redis nothing is recovered for the length of a lease: workers that
        live could not extend theirs, and get the time to.
        """
        done = Pass()
        try:
            occupied = await self._probe.queues()
            if not occupied:
                self._unleased.clear()
            for keys in occupied:
                await self._try("active tasks without a lease", keys, self._lease(keys, done))
                await self._try("expired leases", keys, self._recover(keys, done))
                await self._try("aggregation sets", keys, self._reclaim(keys, done))
        except PyasynqError:
            self._not_before = self._clock.monotonic() + self._lease_s
            raise
        finally:
            self._report(done)
        return done.totals

    async def _try(self, what: str, keys: QueueKeys, step: Awaitable[None]) -> None:
        """Take a step; what Redis refuses is logged once and stops nothing else."""
        try:
            await step
        except PyasynqError as error:
            if self._outage.failed_at_node(error, queue=keys.queue, by=self.name):
                self._not_before = self._clock.monotonic() + self._lease_s
                return
            if concerns_redis_as_a_whole(error):
                raise
            self._troubles.begins(error, what, keys.queue)
        else:
            self._troubles.ends(what, keys.queue)

    def _report(self, done: Pass) -> None:
        """Count what was done, and log it in one line, if there was anything."""
        for (queue, kind), count in done.counts.items():
            if count:
                self._counters.add("recovered", queue, kind, count)
        if totals := done.totals:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(totals.items()))
            notes = "".join(f"; {note}" for note in done.notes)
            logger.info("recovered tasks: %s%s", kinds, notes, extra={"counts": dict(totals)})

    @property
    def _is_waiting(self) -> bool:
        return self._clock.monotonic() < self._not_before

    async def _lease(self, keys: QueueKeys, done: Pass) -> None:
        """Give active tasks that had no lease in two passes one that is over."""
        before, seen = self._unleased.get(keys.queue, set()), set[str]()
        expiry_s = lease_cutoff_s(self._clock, self._lease_s)
        has_more, skip = True, 0
        while has_more and len(seen) < MOST_UNLEASED:
            operation = maintain.list_unleased(keys, skip=skip)
            page = await self._runner.run(operation, patience_s=0)
            found = {each for each in page.task_ids if (keys.queue, each) not in self._held}
            seen |= found
            again = [] if self._is_waiting else sorted(found & before)
            if again:
                lease = maintain.lease_unleased(keys, again, expiry_s=expiry_s, skip=skip)
                done.counts[keys.queue, "leased"] += await self._runner.run(lease, patience_s=0)
            has_more, skip = page.has_more, skip + maintain.MOST_LISTED
        self._unleased[keys.queue] = seen

    async def _recover(self, keys: QueueKeys, done: Pass) -> None:
        cutoff_s = lease_cutoff_s(self._clock, self._lease_s)
        refusals: list[PyasynqError] = []
        has_more, skip = True, 0
        while has_more:
            operation = maintain.list_lease_expired(keys, cutoff_s=cutoff_s, skip=skip, limit=BATCH)
            found = await self._runner.run(operation, patience_s=0)
            if self._is_waiting:
                return
            now_ns = self._clock.redis_now_ns()
            steps = [
                self._decide(keys, each, cutoff_s, now_ns)
                for each in found.tasks
                if (keys.queue, each.task_id) not in self._held
            ]
            stay = len(found.tasks) - len(steps) - len(refusals)
            missed = await self._take(keys, steps, refusals, done)
            restored = await self._heal(keys, missed, cutoff_s, done)
            missed_again = await self._take(keys, restored, refusals, done)
            stay += len(refusals) + len(missed_again)
            has_more, skip = found.has_more, skip + stay
        if refusals:
            raise PyasynqError(f"{len(refusals)} tasks are left as they are: {refusals[0]}")

    def _decide(self, keys: QueueKeys, expired: LeaseExpired, cutoff_s: int, now_ns: int) -> Step:
        return decide(
            keys,
            expired,
            cutoff_s=cutoff_s,
            now_ns=now_ns,
            rules=self._rules,
            frees_lock=self._config.is_lock_freed_on_archive,
        )

    async def _take(
        self, keys: QueueKeys, steps: Sequence[Step], refusals: list[PyasynqError], done: Pass
    ) -> list[Step]:
        """Take the steps; return those whose task was not there to be recovered."""
        answers = await self._run_all([step.operation for step in steps])
        missed = []
        for step, answer in zip(steps, answers, strict=True):
            if isinstance(answer, PyasynqError):
                refusals.append(answer)
            elif answer in (False, [False]):
                missed.append(step)
            else:
                done.counts[keys.queue, step.kind] += 1
                done.note(keys, step)
                self._publish(keys.queue, step)
        raise_first(answers, which=concerns_redis_as_a_whole)
        return missed

    def _publish(self, queue: str, step: Step) -> None:
        if step.outcome is None:
            return
        error = PyasynqError(LEASE_EXPIRED)
        self._task_log.failed(step.task_id, queue, step.message, step.outcome, error)
        if self._on_recovered is not None:
            self._on_recovered(queue, step.task_id, step.message, step.outcome)

    async def _heal(
        self, keys: QueueKeys, missed: Sequence[Step], cutoff_s: int, done: Pass
    ) -> list[Step]:
        """Heal leases without an active task; return the steps to take again.

        Most often nothing is wrong: another recoverer was faster, or the worker lives.
        """
        answers = await self._run_all(
            [maintain.heal_lease(keys, step.task_id, cutoff_s=cutoff_s) for step in missed]
        )
        for answer in answers:
            if isinstance(answer, Healed) and answer is not Healed.NOTHING_WRONG:
                done.counts[keys.queue, answer.name.lower()] += 1
        raise_first(answers)
        pairs = zip(missed, answers, strict=True)
        return [step for step, answer in pairs if answer is Healed.RESTORED]

    async def _run_all(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Run operations, a few in a round trip."""
        answers: list[Any] = []
        for first in range(0, len(operations), AT_ONCE):
            answers += await self._runner.run_all(operations[first : first + AT_ONCE])
        return answers

    async def _reclaim(self, keys: QueueKeys, done: Pass) -> None:
        """Give the members of overdue aggregation sets back to their groups."""
        has_more, put_off = True, 0
        while has_more:
            now_s = redis_now_s(self._clock)
            operation = groups.reclaim_aggregation_sets(keys, now_s=now_s)
            reclaimed = await self._runner.run(operation, patience_s=0)
            has_more, put_off = reclaimed.has_more, put_off + reclaimed.put_off
            done.counts[keys.queue, "regrouped"] += reclaimed.moved
        if put_off:
            raise PyasynqError(
                "the key of a group is not a sorted set, so its members cannot go back to it"
            )
