"""Every step of a task's life, in any order, on a real Redis and in the model; then compared."""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import redis
from hypothesis import strategies as st
from hypothesis.stateful import invariant

from pyasynq.broker.new_tasks.prepare import prepare
from pyasynq.broker.operations import dequeue, finish, groups
from pyasynq.clock import FakeClock, to_datetime
from pyasynq.errors import DuplicateTaskError, EnqueueError, TaskIdConflictError
from pyasynq.worker.attempt.running_task import RunningTask
from tests.properties.state_machine import endings
from tests.properties.state_machine.endings import HOWS, Expected, How
from tests.properties.state_machine.invariants import faults
from tests.properties.state_machine.model import DAY_S, LEASE_S, SECOND, ModelQueue
from tests.properties.state_machine.observed import differences, expected, look
from tests.properties.state_machine.requests import GROUPS, Request, plain_requests, requests
from tests.properties.state_machine.steps import SteppedMachine, step
from tests.properties.state_machine.workplace import (
    MOST_ARCHIVED,
    OLDEST_ARCHIVED_S,
    QUEUES,
    Worker,
    Workplace,
)

# An hour before midnight (UTC), far ahead: counters of a day must not expire while a test runs.
START_NS = (20_000 * DAY_S + 12 * 366 * DAY_S - 3600) * SECOND + 250_000_000
SET_LIVES_S = 120
GRACE_S = 60
MOST_NAMED = 40

queues = st.sampled_from(QUEUES)
workers = st.integers(0, 1)
picks = st.integers(0, MOST_NAMED)
hows = st.sampled_from(HOWS)


class Violation(AssertionError):
    """Redis is not as it must be."""


class TaskStates(SteppedMachine):
    """Rules are what programs do; an invariant looks at all of Redis after each."""

    steps = 0  # of all lives together, as are
    reached: ClassVar[Counter[str]] = Counter()  # how often each thing has happened

    def __init__(self, url: str, raw: redis.Redis) -> None:
        super().__init__()
        self.clock = FakeClock(to_datetime(START_NS))
        self.workplace = Workplace(url, raw, self.clock)
        self.model = {keys.queue: ModelQueue(keys) for keys in self.workplace.keys}
        self.listed: set[str] = set()
        self.workers = [self.workplace.worker() for _ in range(2)]
        self.straggler = self.workplace.worker()  # writes what nobody waits for any more
        self.past: list[RunningTask] = []
        self.sets: list[tuple[str, str, str]] = []  # queue, group, id of aggregation sets
        self.set_count = 0

    def teardown(self) -> None:
        self.workplace.close()

    @property
    def now_ns(self) -> int:
        return self.clock.now_ns()

    @property
    def now_s(self) -> int:
        return self.clock.now_ns() // SECOND

    # Producers

    @step(weight=5, queue=queues, request=requests)
    def enqueue(self, queue: str, request: Request) -> None:
        model = self.model[queue]
        self.listed.add(queue)
        refusal = model.add(
            request.expected(model.keys, self.now_ns), request.lock_s(), self.now_ns
        )

        try:
            self.workplace.client.enqueue(
                request.task, **_given(request.options(queue, self.now_ns))
            )
            found = None
        except EnqueueError as error:
            found = error
        _agree("refusal", refusal, _kind_and_holder(found))
        self._reach(f"enqueue {refusal[0]}" if refusal else "enqueue")

    @step(weight=2, queue=queues, several=st.lists(plain_requests, min_size=2, max_size=6))
    def enqueue_many(self, queue: str, several: Sequence[Request]) -> None:
        model = self.model[queue]
        self.listed.add(queue)
        refusals = [
            model.add(request.expected(model.keys, self.now_ns), request.lock_s(), self.now_ns)
            for request in several
        ]

        results = self.workplace.client.enqueue_many(
            [(request.task, request.options(queue, self.now_ns)) for request in several]
        )
        _agree("refusals", refusals, [_kind_and_holder(result.error) for result in results])

    # Workers

    @step(
        when=lambda self: self._any("pending"),
        weight=6,
        number=workers,
        queue=queues,
        count=st.sampled_from([1, 2, 8]),
    )
    def dequeue(self, number: int, queue: str, count: int) -> None:
        worker, model = self.workers[number], self.model[queue]
        owner = self.workplace.new_owner()
        taken = model.dequeue(count, owner, self.now_ns)

        self._reach("dequeue", len(taken))
        _agree("dequeued", taken, worker.dequeue(model.keys, count, owner))
        until_s = self.now_s + LEASE_S
        owned = self.workplace.run(
            dequeue.list_owned(model.keys, owner=owner, lease_expires_at_s=until_s)
        )
        _agree("owned", sorted(taken), sorted(each.task_id for each in owned))
        self._drop_late(worker, queue, taken, owner)

    def _drop_late(self, worker: Worker, queue: str, taken: Sequence[str], owner: str) -> None:
        """A processor does not start what has expired."""
        late = []
        for task_id in taken:
            expires_at_ns = self.model[queue].tasks[task_id].expires_at_ns
            running = worker.held[queue, task_id]
            if expires_at_ns and expires_at_ns <= self.now_ns and running.owner == owner:
                late.append(running)
        self._reach("drop", len(late))
        for running in late:
            self._expect_end(running, endings.deleted)
        worker.drop(late)

    @step(
        weight=6,
        when=lambda self: any(worker.held for worker in self.workers),
        number=workers,
        several=st.lists(st.tuples(picks, hows), min_size=1, max_size=4),
    )
    def finish(self, number: int, several: Sequence[tuple[int, How]]) -> None:
        worker = self._busy(number)
        held = list(worker.held.values())
        chosen = {pick % len(held): how for pick, how in several}
        self._end(worker, [(held[index], how) for index, how in chosen.items()])
        self.past += [held[index] for index in chosen]

    @step(weight=2, when=lambda self: self.past, pick=picks, how=hows)
    def finish_too_late(self, pick: int, how: How) -> None:
        """Write an outcome late: another worker may have the task by now, or it may have ended."""
        active = [
            each for each in self.past if each.leased.task_id in self.model[each.keys.queue].active
        ]
        late = active or self.past
        self._end(self.straggler, [(late[pick % len(late)], how)])

    def _end(self, worker: Worker, several: Sequence[tuple[RunningTask, How]]) -> None:
        settled = []
        for running, how in several:
            is_late = running.deadline_ns <= self.now_ns and how is not endings.REQUEUED
            real = endings.TIMED_OUT if is_late else how
            settled.append((running, endings.settled(real, running, self.now_ns)))
            was_ours = self._expect_end(running, real.expected)
            self._reach(real.name if was_ours else "too late")
        worker.settle(settled)

    def _expect_end(self, running: RunningTask, verdict: Expected) -> bool:
        model = self.model[running.keys.queue]
        task = model.owned(running.leased.task_id, running.owner)
        if task is not None:
            model.end(running.leased.task_id, verdict(task, self.now_ns), self.now_ns)
        return task is not None

    @step(when=lambda self: any(worker.held for worker in self.workers), number=workers, pick=picks)
    def write_result(self, number: int, pick: int) -> None:
        held = [*self._busy(number).held.values(), *self.past]
        running = held[pick % len(held)]
        task_id, owner = running.leased.task_id, running.owner
        task = self.model[running.keys.queue].owned(task_id, owner)
        if task is not None:
            task.result = b"so far"

        operation = finish.write_result(running.keys, task_id, owner, b"so far")
        _agree("is written", task is not None, self.workplace.run(operation))

    def _busy(self, number: int) -> Worker:
        """The worker of this number, or the other one if it holds nothing."""
        first, second = self.workers[number], self.workers[1 - number]
        return first if first.held else second

    @step(when=lambda self: self._any("active"), number=workers)
    def crash(self, number: int) -> None:
        self.past += self.workers[number].held.values()
        self.workers[number] = self.workplace.worker()

    @step(when=lambda self: self._any("active"), weight=2, number=workers)
    def extend_leases(self, number: int) -> None:
        until_s = self.now_s + LEASE_S
        for queue, model in self.model.items():
            held = [each for each in self.workers[number].held.values() if each.keys.queue == queue]
            lost = [
                each.leased.task_id
                for each in held
                if not model.extend_lease(each.leased.task_id, each.owner, until_s)
            ]
            self._reach("extend", len(held) - len(lost))
            self._reach("lose", len(lost))
            _agree("lost", lost, self.workers[number].extend_leases(model.keys))

    # Housekeeping

    @step(when=lambda self: self._any("active", "aggregating"), weight=2, number=workers)
    def recover(self, number: int) -> None:
        worker = self.workers[number]
        for queue, model in self.model.items():
            for task_id in list(model.active):
                task = model.tasks[task_id]
                if task.lease_s <= self.now_s - LEASE_S and (queue, task_id) not in worker.held:
                    verdict = endings.judged(task, endings.LOST_LEASE, self.now_ns)
                    model.end(task_id, verdict, self.now_ns)
                    self._reach(f"recover to {verdict.state}")
            self._reach("reclaim", model.reclaim(self.now_s))

        worker.recover()

    @step(when=lambda self: self._any("scheduled", "retry"), weight=2)
    def forward(self) -> None:
        moved = sum(model.forward(self.now_ns) for model in self.model.values())

        self._reach("forward", moved)
        _agree("forwarded", moved, self.workplace.forward())

    @step(when=lambda self: self._any("completed", "archived"))
    def clean(self) -> None:
        per_queue = [
            model.clean(
                self.now_s,
                most_archived=MOST_ARCHIVED,
                oldest_archived_s=self.now_s - OLDEST_ARCHIVED_S,
            )
            for model in self.model.values()
        ]

        counts = tuple(map(sum, zip(*per_queue, strict=True)))
        self._reach("delete completed", counts[0])
        self._reach("trim the archive", counts[1])
        _agree("cleaned", counts, self.workplace.clean())

    @step(weight=4, seconds=st.sampled_from([0.25, 5, 31, 65, 65, 130, 400, DAY_S]))
    def wait(self, seconds: float) -> None:
        """Move the clock on; that of Redis stays, so locks that are over are deleted by hand."""
        self.clock.advance(seconds)
        for model in self.model.values():
            over = model.expire_locks(self.now_ns)
            self._reach("expire a lock", len(over))
            if over:
                self.workplace.raw.delete(*over)

    @step(when=lambda self: not any(model.paused_s for model in self.model.values()), queue=queues)
    def pause(self, queue: str) -> None:
        model = self.model[queue]
        model.paused_s = self.now_s
        self.workplace.raw.set(model.keys.paused, self.now_s)

    @step(when=lambda self: any(model.paused_s for model in self.model.values()))
    def unpause(self) -> None:
        for model in self.model.values():
            model.paused_s = None
            self.workplace.raw.delete(model.keys.paused)

    # Groups

    @step(
        when=lambda self: self._any("aggregating"),
        weight=2,
        queue=queues,
        group=st.sampled_from(GROUPS),
        most=st.sampled_from([0, 1, 2]),
    )
    def check_aggregation(self, queue: str, group: str, most: int) -> None:
        model = self.model[queue]
        self.set_count += 1
        set_id, deadline_s = f"set-{self.set_count}", self.now_s + SET_LIVES_S
        set_key = model.keys.aggregation_set(group, set_id)
        is_due = model.aggregate(
            group, set_key, self.now_s, deadline_s=deadline_s, grace_s=GRACE_S, most=most
        )

        operation = groups.check_aggregation(
            model.keys,
            group,
            set_id=set_id,
            now_s=self.now_s,
            deadline_s=deadline_s,
            grace_s=GRACE_S,
            max_size=most,
        )
        _agree("is due", is_due, self.workplace.run(operation))
        if is_due:
            self.sets.append((queue, group, set_id))

    @step(weight=3, when=lambda self: self.sets, pick=picks, request=st.none() | requests)
    def finish_aggregation(self, pick: int, request: Request | None) -> None:
        """Replace a set by a task, as the server that made it does; the set may be gone by now."""
        queue, group, set_id = self.sets.pop(pick % len(self.sets))
        model = self.model[queue]
        keys, set_key = model.keys, model.keys.aggregation_set(group, set_id)
        is_listed, members = set_key in model.deadlines, model.members_of_set(set_key)
        locks = [(each, model.tasks[each].message.unique_key) for each in members]
        found = self.workplace.run(groups.read_aggregation_set(keys, group, set_id))
        _agree("members", members, [each.task_id for each in found.members] if found else [])
        refusal, aggregate = None, None
        if request is not None:
            options = request.options(queue, self.now_ns)
            aggregate = prepare(request.task, options, keys, now_ns=self.now_ns, new_id=str)
        if is_listed and request is not None:
            stored = request.expected(keys, self.now_ns)
            refusal = model.add(stored, request.lock_s(), self.now_ns)
        if is_listed and refusal is None:
            model.finish_set(set_key)

        operation = groups.finish_aggregation(
            keys,
            group,
            set_id,
            aggregate,
            now_ns=self.now_ns,
            locks=[(task_id, lock) for task_id, lock in locks if lock],
        )
        finished = self.workplace.run(operation)
        self._reach("aggregate" if is_listed and refusal is None else "aggregate in vain")
        _agree("is done", is_listed and refusal is None, finished.is_done)
        _agree("refusal", refusal, _kind_and_holder(finished.refusal))

    def _any(self, *states: str) -> bool:
        """Whether a task is in one of the states, so that the step can do something."""
        return any(
            task.state in states for model in self.model.values() for task in model.tasks.values()
        )

    def _reach(self, what: str, times: int = 1) -> None:
        type(self).reached[what] += times

    # After each step

    @invariant()
    def redis_is_as_it_must_be(self) -> None:
        type(self).steps += 1
        observed = look(self.workplace.raw)
        wrong = []
        for model in self.model.values():
            wrong += faults(model.keys, observed)
            wrong += differences(expected(model), observed.of(model.keys))
            wrong += differences(
                model.counters_expire_s,
                {key: observed.expire_s.get(key) for key in model.counters_expire_s},
            )
        wrong += differences(
            {"asynq:queues": self.listed},
            {"asynq:queues": observed.keys.get("asynq:queues", set())},
        )
        if wrong:
            raise Violation("\n".join(wrong))


def _given(options) -> dict:
    names = options.__dataclass_fields__
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def _kind_and_holder(error: EnqueueError | None) -> tuple[str, str] | None:
    match error:
        case DuplicateTaskError():
            return "locked", error.holder_id
        case TaskIdConflictError():
            return "taken", error.state
        case _:
            return None


def _agree(what: str, expected_value: object, found: object) -> None:
    if expected_value != found:
        raise Violation(f"{what}: expected {expected_value}, found {found}")
