"""Which tick of which entry is due next: pure, without a clock of its own."""

import heapq
import math
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import count

import msgspec

from pyasynq.broker.new_tasks.carried import carrying
from pyasynq.broker.new_tasks.prepare import PreparedTask
from pyasynq.broker.operations.schedulers import Tick, TickAnswer, TickRecord
from pyasynq.clock import NANOSECONDS
from pyasynq.scheduler.entry import Entry
from pyasynq.scheduler.ticks import next_tick
from pyasynq.task import Task
from pyasynq.tracing import Span, TickFacts, Tracing


class Planned(msgspec.Struct, eq=False):
    """An entry with its ticks.

    Attributes:
        entry: what ticks.
        last_s: the tick that was done last, or when the entry was seen first.
        enqueued_s: the last tick that made a task; None if there is none.
        tick_s: the tick that comes next; None if there is none in sight.
        fires_ns: when it is enqueued.
        item: the task of the tick, once it was tried: the same one however often that is repeated.
        span: of the tick, with its task; None if nobody traces it.
    """

    entry: Entry
    last_s: int
    enqueued_s: int | None = None
    tick_s: int | None = None
    fires_ns: int = 0
    item: PreparedTask | None = None
    span: Span | None = None

    def traced(self, tracing: Tracing | None) -> Task:
        """Return the task of the tick; it carries the context of the span that begins here."""
        entry = self.entry
        if tracing is None:
            return entry.task
        self.span = span = tracing.tick(
            TickFacts(
                type=entry.task.type,
                queue=entry.queue,
                body_size=len(entry.task.payload or b""),
                entry_id=entry.id,
                key=entry.key or "",
                spec=entry.schedule.spec,
                timezone=str(entry.schedule.zone),
            )
        )
        return carrying(entry.task, entry.options, span.headers)

    def done(self, tick_s: int, now_ns: int, *, has_task: bool) -> None:
        """Note that a tick was done, and find the next one."""
        self.last_s, self.item, self.span = max(self.last_s, tick_s), None, None
        if has_task:
            self.enqueued_s = tick_s
        self.look_ahead(now_ns)

    def answered(self, answer: object, now_ns: int) -> None:
        """Take in what became of the tick, which is done, and find the next one.

        Args:
            answer: a TickAnswer, or what kept Redis from giving one.
        """
        tick_s, tick = self.tick_s or 0, None
        if isinstance(answer, TickAnswer):
            tick_s, tick = max(tick_s, answer.last_s or 0), answer.tick
        self.done(tick_s, now_ns, has_task=tick is Tick.STORED)

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
    """The entries of a scheduler, in the order in which they are due.

    Attributes:
        members: changes with the entries.
        ticks: changes with their ticks.
    """

    def __init__(self) -> None:
        self.members, self.ticks = 0, 0
        self._planned: dict[str, Planned] = {}
        self._heap: list[tuple[int, int, Planned]] = []
        self._pushes = count()  # so that entries that are due together keep their order

    def __iter__(self) -> Iterator[Planned]:
        return iter(list(self._planned.values()))

    def __len__(self) -> int:
        return len(self._planned)

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
        enqueued_s = record.at_s if record.task_id else None
        planned = Planned(entry, record.at_s, enqueued_s=enqueued_s)
        planned.look_ahead(now_ns)
        self._planned[entry.id] = planned
        self.members += 1
        self._push(planned)

    def keep_only(self, entries: Mapping[str, Entry]) -> list[str]:
        """Forget entries that are not among *entries* as they are; return their IDs."""
        gone = [
            entry_id
            for entry_id, planned in self._planned.items()
            if (kept := entries.get(entry_id)) is not planned.entry and kept != planned.entry
        ]
        for entry_id in gone:
            del self._planned[entry_id]
        self.members += len(gone)
        return gone

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
            self.ticks += 1
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
