"""Which tick of which entry is due next: pure, without a clock of its own."""

import heapq
import math
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import count

import msgspec

from pyasynq.broker.new_tasks.prepare import PreparedTask
from pyasynq.broker.operations.schedulers import TickRecord
from pyasynq.clock import NANOSECONDS
from pyasynq.scheduler.entry import Entry
from pyasynq.scheduler.ticks import next_tick


class Planned(msgspec.Struct, eq=False):
    """An entry with its ticks.

    Attributes:
        entry: what ticks.
        last_s: the tick that was done last, or when the entry was seen first.
        has_ticked: whether *last_s* was a tick with a task.
        tick_s: the tick that comes next; None if there is none in sight.
        fires_ns: when it is enqueued.
        item: the task of the tick, once it was tried: the same one however often that is repeated.
        is_paused: whether ticks pass without a task, as far as is known.
    """

    entry: Entry
    last_s: int
    has_ticked: bool = False
    tick_s: int | None = None
    fires_ns: int = 0
    item: PreparedTask | None = None
    is_paused: bool = False

    def done(self, tick_s: int, now_ns: int, *, has_task: bool) -> None:
        """Note that a tick was done, and find the next one."""
        self.last_s, self.item = max(self.last_s, tick_s), None
        self.has_ticked = self.has_ticked or has_task
        self.look_ahead(now_ns)

    def look_ahead(self, now_ns: int) -> None:
        """Find the next tick."""
        policy = self.entry.policy
        self.tick_s = next_tick(
            self.entry.schedule,
            self.last_s,
            now_ns // NANOSECONDS - math.ceil(policy.jitter_s),  # what jitter delays is not missed
            missed=policy.missed,
            within_s=policy.within_s,
        )
        if self.tick_s is not None:
            self.fires_ns = self.tick_s * NANOSECONDS + _jitter_ns(self.entry, self.tick_s)


class Plan:
    """The entries of a scheduler, in the order in which they are due."""

    def __init__(self) -> None:
        self._planned: dict[str, Planned] = {}
        self._heap: list[tuple[int, int, Planned]] = []
        self._pushes = count()  # so that entries that are due together keep their order

    def __iter__(self) -> Iterator[Planned]:
        return iter(list(self._planned.values()))

    def __contains__(self, entry_id: object) -> bool:
        return entry_id in self._planned

    @property
    def next_ns(self) -> int | None:
        """When an entry is due the next time."""
        while self._heap and not self._is_valid(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def add(self, entry: Entry, record: TickRecord, now_ns: int) -> None:
        """Take an entry in, whose record was read."""
        planned = Planned(
            entry, record.at_s, has_ticked=bool(record.task_id), is_paused=bool(record.paused)
        )
        planned.look_ahead(now_ns)
        self._planned[entry.id] = planned
        self._push(planned)

    def keep_only(self, entries: Iterable[str]) -> None:
        """Forget all other entries."""
        kept = set(entries)
        for entry_id in [each for each in self._planned if each not in kept]:
            del self._planned[entry_id]

    def take_due(self, now_ns: int, limit: int) -> list[Planned]:
        """Take out up to *limit* entries that are due; each comes back by `put_back`."""
        due: list[Planned] = []
        while len(due) < limit and (at_ns := self.next_ns) is not None and at_ns <= now_ns:
            planned = heapq.heappop(self._heap)[2]
            if planned.item is None:  # after a stall, this tick may be one of those that are missed
                planned.look_ahead(now_ns)
            if planned.tick_s is not None and planned.fires_ns <= now_ns:
                due.append(planned)
            else:
                self._push(planned)
        return due

    def put_back(self, planned: Planned) -> None:
        """Take an entry in again, at the time that it says now."""
        if self._planned.get(planned.entry.id) is planned:
            self._push(planned)

    def _push(self, planned: Planned) -> None:
        if planned.tick_s is not None:
            heapq.heappush(self._heap, (planned.fires_ns, next(self._pushes), planned))

    def _is_valid(self, item: tuple[int, int, Planned]) -> bool:
        return self._planned.get(item[2].entry.id) is item[2]


def _jitter_ns(entry: Entry, tick_s: int) -> int:
    """Return how much later the tick fires: the same for each scheduler that computes it."""
    most_ns = int(entry.policy.jitter_s * NANOSECONDS)
    if not most_ns:
        return 0
    digest = sha256(f"{entry.id}:{tick_s}".encode()).digest()
    return int.from_bytes(digest[:8]) % most_ns
