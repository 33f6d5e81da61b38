"""What an installation holds at one moment, as far as a few cheap commands tell it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import groups, snapshots
from pyasynq.wire.keys import QueueKeys

MOST_QUEUES = 5000
MOST_GROUPS = 20  # of a queue, of which the members are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """What a queue holds at one moment.

    Attributes:
        aggregating: in groups; estimated from some of them if there are more than 20. Those that
            are being aggregated are not counted.
        processed, failed: ever; processed includes the failures.
        oldest_pending_ns: since when the task has waited that is fetched next; None if none waits,
            or it is not known.
        is_paused: whether workers take no tasks from it.
    """

    pending: int
    active: int
    scheduled: int
    retry: int
    archived: int
    completed: int
    aggregating: int
    groups: int
    processed: int
    failed: int
    oldest_pending_ns: int | None
    is_paused: bool

    @property
    def size(self) -> int:
        """How many tasks it holds, in any state."""
        waiting = self.pending + self.scheduled + self.retry + self.aggregating
        return waiting + self.active + self.archived + self.completed


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveProcess:
    """A server or a scheduler that is alive.

    Attributes:
        until_s: until when, unless it shows itself again; Unix seconds.
        mark: a number that is another one when its record changes.
    """

    until_s: float
    mark: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An installation at one moment.

    Attributes:
        at_ns: that moment, in nanoseconds since the epoch, by the clock of Redis.
        queues: by their names, at most 5,000.
        servers, schedulers: those that are alive, by the keys of their records.
    """

    at_ns: int
    queues: Mapping[str, QueueCounts]
    servers: Mapping[str, LiveProcess]
    schedulers: Mapping[str, LiveProcess]


def counting(keys: QueueKeys) -> list[Operation[Any]]:
    """Return the operations that count what a queue holds."""
    return [
        *map(snapshots.length, (keys.pending, keys.active)),
        *map(snapshots.cardinality, (keys.scheduled, keys.retry, keys.archived, keys.completed)),
        snapshots.count_groups(keys),
        snapshots.read_totals(keys),
        snapshots.oldest_pending(keys),
    ]


class Count:
    """The counting of one queue: what was answered, and what is still to be asked.

    A key of another type than it should have counts as empty.
    """

    def __init__(self, keys: QueueKeys, answers: Sequence[Any]) -> None:
        self._keys = keys
        self._counts = [0 if isinstance(each, Exception) else each for each in answers[:7]]
        totals, oldest = answers[7:]
        self._totals = (0, 0, b"") if isinstance(totals, Exception) else totals
        self._oldest = "" if isinstance(oldest, Exception) else oldest
        self._since_ns: int | None = None
        self._group_names: list[str] = []
        self._in_groups = 0

    def details(self) -> list[Operation[Any]]:
        """Return what is asked next: since when the oldest task waits, and names of groups."""
        wanted: list[Operation[Any]] = []
        if self._oldest:
            wanted.append(snapshots.pending_since_ns(self._keys, self._oldest))
        if self._counts[6]:
            wanted.append(groups.list_groups(self._keys, count=MOST_GROUPS))
        return wanted

    def note_details(self, answers: Iterator[Any]) -> None:
        """Take the answers to `details`."""
        if self._oldest:
            since_ns = next(answers)
            self._since_ns = since_ns if isinstance(since_ns, int) else None
        if self._counts[6]:
            found = next(answers)
            self._group_names = found[1][:MOST_GROUPS] if isinstance(found, tuple) else []

    def members(self) -> list[Operation[int]]:
        """Return what is asked last: how many members the groups have."""
        return [snapshots.cardinality(self._keys.group(name)) for name in self._group_names]

    def note_members(self, answers: Iterator[Any]) -> None:
        """Take the answers to `members`."""
        sizes = [next(answers) for _ in self._group_names]
        self._in_groups = sum(each for each in sizes if isinstance(each, int))

    def result(self) -> QueueCounts:
        """Return what the queue holds."""
        pending, active, scheduled, retry, archived, completed, group_count = self._counts
        processed, failed, paused = self._totals
        seen, aggregating = len(self._group_names), self._in_groups
        if seen < group_count:
            aggregating = aggregating * group_count // max(1, seen)
        return QueueCounts(
            pending=pending,
            active=active,
            scheduled=scheduled,
            retry=retry,
            archived=archived,
            completed=completed,
            aggregating=aggregating,
            groups=group_count,
            processed=processed,
            failed=failed,
            oldest_pending_ns=self._since_ns,
            is_paused=bool(paused),
        )


def live_server(until_s: float, record: object) -> LiveProcess:
    """Return a server by what was read of it; a record that cannot be read is like none."""
    return LiveProcess(until_s=until_s, mark=hash(record) if isinstance(record, bytes) else 0)


def live_scheduler(until_s: float, entries: object) -> LiveProcess:
    """Return a scheduler by what was read of it.

    If it has more entries than were read, it counts as another one whenever it shows itself.
    """
    known = tuple(entries) if isinstance(entries, list) else ()
    is_whole = len(known) <= snapshots.MOST_ENTRIES
    return LiveProcess(until_s=until_s, mark=hash(known if is_whole else (until_s, known)))
