"""What was done of each task type in each queue since the start of the server: counted once.

Metrics show it as it is; the statistics that are written to Redis are its difference to a minute
ago. It is told of whole batches when their outcomes are in Redis, and asks no clock: so a task
costs a look at its times and little else.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from pyasynq.clock import NANOSECONDS
from pyasynq.wire.message import TaskMessage
from pyasynq.wire.type_counts import OTHERS, TypeCountsRecord
from pyasynq.worker.attempt.counting import is_counted, is_failure, word_of
from pyasynq.worker.attempt.outcome import Completed, Finished, Outcome
from pyasynq.worker.attempt.running_task import LATEST_NS, RunningTask
from pyasynq.worker.attempt.writes import Settled
from pyasynq.worker.measure.durations import BUCKETS, Durations, more, stored

MOST_NAMES = 100  # of types that a handler takes by their beginning, or that none takes
MOST_KEYS = 1000  # queues times names; what is beyond is counted as OTHERS of its queue
LONGEST_NAME = 200  # characters of a type that has no handler of its own

Key = tuple[str, str]
"""A queue, and the name by which a type is counted."""

Counts = dict[Key, TypeCountsRecord]
"""What was done in some time."""


class Done:
    """What was done of one name in one queue.

    Attributes:
        started: handlers that were started, of tasks that are not in hand any more.
        outcomes: what became of tasks, by the name of the event.
        count: attempts that the counter `processed` of the queue has, expired tasks left out.
        failures: attempts that its counter `failed` has.
        runs: how long handlers ran.
        waits: how long tasks were pending before.
    """

    __slots__ = ("count", "failures", "outcomes", "runs", "started", "waits")

    def __init__(self) -> None:
        self.started = self.count = self.failures = 0
        self.outcomes: dict[str, int] = {}
        self.runs, self.waits = Durations(), Durations()

    def add(self, outcome: Outcome, tasks: Sequence[RunningTask]) -> None:
        """Count tasks that were started, all with an outcome like *outcome*."""
        count = len(tasks)
        self._add_outcomes(outcome, count)
        self.started += count
        if is_counted(outcome):
            self.count += count
            self.failures += count * is_failure(outcome)
        self.runs.add([each.ended_at - each.started_at for each in tasks])
        waits = [
            (each.started_ns - since_ns) / NANOSECONDS
            for each in tasks
            if (since_ns := each.leased.pending_since_ns)
            and 0 < since_ns <= LATEST_NS  # Redis may hold any
        ]
        if waits:
            self.waits.add(waits)

    def add_unstarted(self, outcome: Outcome, count: int) -> None:
        """Count tasks whose handlers were not started: they had expired, or the server stops."""
        self._add_outcomes(outcome, count)

    def _add_outcomes(self, outcome: Outcome, count: int) -> None:
        word = word_of(outcome)
        self.outcomes[word] = self.outcomes.get(word, 0) + count


class _Stored(msgspec.Struct, frozen=True):
    """What statistics have of `Done`, at one moment."""

    count: int = 0
    failures: int = 0
    runs: Sequence[int] = (0,) * BUCKETS
    waits: Sequence[int] = (0,) * BUCKETS


class TypeTally:
    """What one server has done; written on its event loop, and read in any thread.

    Args:
        pattern_of: returns the pattern by which a type finds its handler: the type itself, the
            beginning of types with ``*`` behind it, or ``*`` if it finds none.
    """

    def __init__(self, pattern_of: Callable[[str], str]) -> None:
        self._pattern_of = pattern_of
        self._done: dict[str, dict[str, Done]] = {}
        self._names: set[str] = set()
        self._keys = 0
        self._taken: dict[Key, _Stored] = {}
        self._started: dict[Key, int] = {}
        self._lock = threading.Lock()

    def on_outcomes(self, settled: Sequence[Settled]) -> None:
        """Count tasks whose outcomes are in Redis, of one queue and one kind."""
        running, outcome = settled[0]
        if type(outcome) is Finished or type(outcome) is Completed:
            types = {each.message.type for each, _outcome in settled}
            if len(types) == 1:
                tasks = [each for each, _outcome in settled]
                self._of(running.key[0], types.pop()).add(outcome, tasks)
                return
        alike: dict[tuple[Done, str, bool, bool], list[RunningTask]] = {}
        outcomes: dict[tuple[Done, str, bool, bool], Outcome] = {}
        for each, decided in settled:  # by name: types that are made of IDs are all different
            done = self._of(running.key[0], each.message.type)
            key = done, word_of(decided), is_failure(decided), each.ended_at > 0
            alike.setdefault(key, []).append(each)
            outcomes[key] = decided
        for key, tasks in alike.items():
            done = key[0]
            if key[-1]:
                done.add(outcomes[key], tasks)
            else:
                done.add_unstarted(outcomes[key], len(tasks))

    def on_recovered(
        self, queue: str, task_id: str, message: TaskMessage, outcome: Outcome
    ) -> None:
        """Count the attempt of a server that is gone; only statistics have it."""
        del task_id
        if message.type and is_counted(outcome):
            done = self._of(queue, message.type)
            done.count += 1
            done.failures += is_failure(outcome)

    def on_unwritable(self, running: RunningTask) -> None:
        """Count a task that is released although its outcome cannot be written."""
        if running.ended_at:
            self._of(running.key[0], running.message.type).started += 1

    def all(self) -> Iterator[tuple[Key, Done]]:
        """Yield what was done, by queue and name."""
        for queue, by_name in self._done.copy().items():
            for name, done in by_name.copy().items():
                yield (queue, name), done

    def started(self, in_hand: Callable[[], Iterable[RunningTask]]) -> dict[Key, int]:
        """Return how many handlers were started; it never falls.

        Args:
            in_hand: returns the tasks that were started and whose outcomes are not counted yet.
                A task that is between the two at that moment is missing, until the next call.
        """
        found = {key: done.started for key, done in self.all()}
        for running in in_hand():
            key = running.key[0], self._name(running.key[0], running.message.type)
            found[key] = found.get(key, 0) + 1
        with self._lock:
            for key, count in found.items():
                self._started[key] = max(count, self._started.get(key, 0))
            return self._started.copy()

    def take(self) -> Counts:
        """Return what statistics have of the time since the last call."""
        found: Counts = {}
        for key, done in self.all():
            before = self._taken.get(key, _Stored())
            if before.count == done.count:
                continue
            now = _Stored(
                done.count, done.failures, done.runs.counts.copy(), done.waits.counts.copy()
            )
            self._taken[key] = now
            found[key] = TypeCountsRecord(
                count=now.count - before.count,
                failures=now.failures - before.failures,
                run=stored(more(now.runs, before.runs)),
                wait=stored(more(now.waits, before.waits)),
            )
        return found

    def _of(self, queue: str, task_type: str) -> Done:
        by_name = self._done.get(queue)
        if by_name is not None and (done := by_name.get(task_type)) is not None:
            return done
        name = self._name(queue, task_type)
        return self._done[queue][name]

    def _name(self, queue: str, task_type: str) -> str:
        """Return by which name a type is counted in a queue; from now on there is one."""
        with self._lock:  # the loop counts, and another thread may ask
            by_name = self._done.setdefault(queue, {})
            if task_type in by_name:
                return task_type
            name = self._own_name(task_type)
            if name not in by_name:
                if self._keys >= MOST_KEYS:
                    name = OTHERS
                self._keys += 1
                by_name.setdefault(name, Done())
            return name

    def _own_name(self, task_type: str) -> str:
        pattern = self._pattern_of(task_type)
        if pattern == task_type or task_type in self._names:
            return task_type
        if len(self._names) >= MOST_NAMES or len(task_type) > LONGEST_NAME or not task_type.strip():
            return pattern
        self._names.add(task_type)
        return task_type
